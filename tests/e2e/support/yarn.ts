/**
 * A real Hadoop of processes on this machine: an HDFS, YARN's ResourceManager and one NodeManager, whose containers are
 * processes, too.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, openSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { execa } from "execa";
import { waitFor } from "../../../src/platform/waits.ts";
import type { SparkInstallation } from "../../../src/stack/setup/spark.ts";
import { behindMounts, entriesSeenBy, freePort, mayHide } from "./spark-cluster.ts";

const SERVERS = fileURLToPath(new URL("../../pyspark/hadoop_servers.py", import.meta.url));
const LOG4J = new URL("../../../src/stack/setup/log4j2.properties", import.meta.url).href;

export interface Yarn {
  /** For HADOOP_CONF_DIR */
  conf: string;
  /** Of the HDFS, `hdfs://127.0.0.1:port` */
  hdfs: string;
  /** What containers see in the folders that were to be hidden; nothing where this user may not hide them. */
  seen(): string[] | undefined;
  /** The process of a driver in the cluster. */
  applicationMaster(): number | undefined;
  /** How often YARN has started a driver for the newest application. */
  attempts(): number;
  stop(): Promise<void>;
}

/** What Hadoop's servers run on, or why their archives cannot be had. */
export async function hadoopClassPath({
  venv,
  javaHome,
}: SparkInstallation): Promise<{ classPath: string } | { missing: string }> {
  const python = path.join(venv, "bin", "python");
  const told = await execa(python, [SERVERS], { reject: false, env: { JAVA_HOME: javaHome } });
  return told.exitCode === 0 ? { classPath: told.stdout } : { missing: told.stderr };
}

/** `hidden` are folders that containers do not see: a real cluster's machines have none of them. */
export async function startYarn(
  folder: string,
  { javaHome }: SparkInstallation,
  classPath: string,
  hidden: string[],
): Promise<Yarn> {
  const conf = path.join(folder, "conf");
  mkdirSync(conf, { recursive: true });
  const logs = path.join(folder, "logs");
  const namenode = await freePort();
  const hdfs = `hdfs://127.0.0.1:${namenode}`;
  await configure(folder, hdfs);

  const hides = mayHide();
  const start = (name: string, main: string[], before: string[] = []) => {
    const log = openSync(path.join(folder, `${name}.log`), "a");
    const [program = "", ...args] = [
      ...[...before, path.join(javaHome, "bin", "java"), "-Xmx384m", "-XX:+UseSerialGC"],
      ...["-XX:TieredStopAtLevel=1", "--add-opens=java.base/java.lang=ALL-UNNAMED"],
      ...[`-Dlog4j2.configurationFile=${LOG4J}`, "-cp", `${conf}:${classPath}`, ...main],
    ];
    return spawn(program, args, {
      cwd: folder,
      detached: true,
      stdio: ["ignore", log, log],
      // Containers inherit it: nothing of this process's own is to help them.
      env: { PATH: process.env.PATH, HOME: folder, JAVA_HOME: javaHome, LC_ALL: "C.UTF-8" },
    });
  };
  const details = path.join(folder, "hdfs.json");
  const servers = {
    hdfs: start("hdfs", [
      ...["org.apache.hadoop.test.MiniDFSClusterManager", "-format", "-nnport", String(namenode)],
      ...["-writeDetails", details, "-D", `hdfs.minidfs.basedir=${folder}/blocks`],
    ]),
    resourceManager: start("resource-manager", [
      "org.apache.hadoop.yarn.server.resourcemanager.ResourceManager",
    ]),
    nodeManager: start(
      "node-manager",
      ["org.apache.hadoop.yarn.server.nodemanager.NodeManager"],
      hides ? behindMounts(hidden) : [],
    ),
  };
  const isUp = () =>
    existsSync(details) &&
    readFileSync(path.join(folder, "node-manager.log"), "utf8").includes("Registered with ResourceManager");
  await waitFor({ what: `Hadoop's servers, see ${folder}`, timeoutMs: 120_000, intervalMs: 200 }, async () =>
    isUp() ? true : undefined,
  );
  return {
    conf,
    hdfs,
    seen: () => (hides ? entriesSeenBy(servers.nodeManager, hidden) : undefined),
    applicationMaster: () => processesIn(folder).find(({ args }) => args.includes(APPLICATION_MASTER))?.pid,
    attempts: () => {
      const [newest = ""] = readdirSync(logs).sort().reverse();
      const containers = readdirSync(path.join(logs, newest));
      // container_<cluster>_<application>_<attempt>_<container>
      return new Set(containers.map((name) => name.split("_").at(-2))).size;
    },
    stop: async () => {
      // It ends its containers then.
      await end(servers.nodeManager, "SIGTERM");
      await end(servers.resourceManager, "SIGKILL");
      await end(servers.hdfs, "SIGKILL");
      for (const { pid } of processesIn(folder)) process.kill(pid, "SIGKILL");
    },
  };
}

const APPLICATION_MASTER = "org.apache.spark.deploy.yarn.ApplicationMaster";

async function configure(folder: string, hdfs: string): Promise<void> {
  const addresses: Record<string, string> = {};
  for (const name of ["", "scheduler.", "resource-tracker.", "admin.", "webapp."])
    addresses[`yarn.resourcemanager.${name}address`] = `127.0.0.1:${await freePort()}`;
  for (const name of ["", "localizer.", "webapp."])
    addresses[`yarn.nodemanager.${name}address`] = "127.0.0.1:0";
  const sites = {
    core: { "fs.defaultFS": hdfs, "hadoop.tmp.dir": path.join(folder, "tmp") },
    hdfs: { "dfs.replication": "1" },
    yarn: {
      ...addresses,
      "yarn.nodemanager.local-dirs": path.join(folder, "local"),
      "yarn.nodemanager.log-dirs": path.join(folder, "logs"),
      "yarn.nodemanager.resource.memory-mb": "5120",
      "yarn.nodemanager.resource.cpu-vcores": "4",
      "yarn.scheduler.minimum-allocation-mb": "256",
      // The other ones ask for a file of queues.
      "yarn.resourcemanager.scheduler.class":
        "org.apache.hadoop.yarn.server.resourcemanager.scheduler.fifo.FifoScheduler",
      // Java and Python reserve far more than they use, and a full disk here says nothing.
      "yarn.nodemanager.vmem-check-enabled": "false",
      "yarn.nodemanager.disk-health-checker.enable": "false",
    },
  };
  for (const [name, properties] of Object.entries(sites)) {
    const lines = Object.entries(properties).map(
      ([key, value]) => `<property><name>${key}</name><value>${value}</value></property>\n`,
    );
    const file = path.join(folder, "conf", `${name}-site.xml`);
    writeFileSync(file, `<configuration>\n${lines.join("")}</configuration>\n`);
  }
}

/** Java processes of containers, which have the folder in their arguments. */
function processesIn(folder: string): { pid: number; args: string[] }[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        const args = readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0");
        const isContainer = args[0]?.endsWith("/java") && args.some((arg) => arg.includes(`${folder}/local`));
        return isContainer ? [{ pid: Number(pid), args }] : [];
      } catch {
        return []; // It has ended.
      }
    });
}

async function end(server: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (server.pid === undefined || server.exitCode !== null || server.signalCode !== null) return;
  const ended = once(server, "exit");
  process.kill(-server.pid, signal);
  const late = setTimeout(() => process.kill(-(server.pid as number), "SIGKILL"), 20_000);
  await ended;
  clearTimeout(late);
}
