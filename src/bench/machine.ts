/** What was measured on: without it no number means anything. */
import { readFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { withPostgres } from "../platform/postgres.ts";
import { runCommand } from "../platform/processes.ts";
import { withRedis } from "../platform/redis.ts";
import { PACKAGE_ROOT } from "../stack/home.ts";
import type { Endpoints, SparkRuntime } from "../stack/stack.ts";
import type { BenchDocument } from "./document.ts";

/** Before anything is started, so that the load is that of others. */
export function machine(): BenchDocument["machine"] {
  const cpus = os.cpus();
  return {
    cpu: cpus[0]?.model.trim() || os.arch(),
    cores: os.availableParallelism(),
    memoryBytes: os.totalmem(),
    os: systemName(),
    kernel: `${os.type()} ${os.release()}`,
    loadBefore: os.platform() === "win32" ? null : Math.round((os.loadavg()[0] as number) * 100) / 100,
  };
}

function systemName(): string {
  try {
    const release = readFileSync("/etc/os-release", "utf8");
    return /^PRETTY_NAME="?([^"\n]*)"?$/m.exec(release)?.[1] ?? os.version();
  } catch {
    return os.version();
  }
}

const PYTHON_VERSIONS = `import json, platform, pyspark, pyarrow
print(json.dumps({"Python": platform.python_version(), "Spark": pyspark.__version__, "PyArrow": pyarrow.__version__}))`;

/** By what each program says of itself. */
export async function versions(
  { postgres, connect, redis }: Endpoints,
  { env }: SparkRuntime,
): Promise<Record<string, string>> {
  const { version } = JSON.parse(readFileSync(path.join(PACKAGE_ROOT, "package.json"), "utf8"));
  const [commit, java, python, server, store, kafka, debezium] = await Promise.all([
    runCommand("git", ["-C", PACKAGE_ROOT, "describe", "--always", "--dirty", "--abbrev=10"]),
    runCommand(path.join(env.JAVA_HOME ?? "", "bin", "java"), ["-version"]),
    runCommand(env.PYSPARK_PYTHON ?? "python3", ["-c", PYTHON_VERSIONS]),
    withPostgres(postgres ?? "", (client) => client.query("SHOW server_version")),
    withRedis(redis, (client) => client.info("server")),
    told<{ version: string }>(`${connect}/`),
    told<{ class: string; version: string }[]>(`${connect}/connector-plugins`),
  ]);
  return {
    "cdc-features": commit.ok ? `${version} (${commit.stdout.trim()})` : version,
    ...(python.ok && JSON.parse(python.stdout)),
    Java: /version "([^"]+)"/.exec(java.stderr)?.[1] ?? "unknown",
    Kafka: kafka.version,
    Debezium: debezium.find((one) => one.class.includes("Postgres"))?.version ?? "unknown",
    Postgres: server.rows[0]?.server_version ?? "unknown",
    ...storeVersion(store),
    Node: process.versions.node,
  };
}

/** Valkey tells a version of Redis, too, for old clients. */
function storeVersion(info: string): Record<string, string> {
  const valkey = /^valkey_version:(.*?)\r?$/m.exec(info)?.[1];
  if (valkey !== undefined) return { Valkey: valkey };
  return { Redis: /^redis_version:(.*?)\r?$/m.exec(info)?.[1] ?? "unknown" };
}

async function told<T>(url: string): Promise<T> {
  return (await (await fetch(url)).json()) as T;
}
