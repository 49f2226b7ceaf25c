/** A standalone Spark cluster of real processes on this machine: a master, and workers that can be killed one by one. */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, openSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { isFree } from "../../../src/platform/ports.ts";
import { waitFor } from "../../../src/platform/waits.ts";

export interface SparkCluster {
  /** `spark://127.0.0.1:port` */
  master: string;
  /** Of the master's REST interface and page. */
  webPort: number;
  /** What workers see in the folders that were to be hidden; nothing where this user may not hide them. */
  seen(): string[] | undefined;
  /** What master, workers and executors wrote. */
  folder: string;
  startWorker(name: string): Promise<void>;
  /** Worker and executors at once, as when a machine is lost. */
  killWorker(name: string): Promise<void>;
  stop(): Promise<void>;
}

/**
 * `sparkHome` and `javaHome` are those of the embedded stack's installation. Workers do not see what is in `hidden`, folders
 * of this machine, as if they were others; where this user may not do that, they see it.
 */
export async function startSparkCluster(
  folder: string,
  { sparkHome, javaHome, hidden }: { sparkHome: string; javaHome: string; hidden: string[] },
): Promise<SparkCluster> {
  mkdirSync(folder, { recursive: true });
  const [port, webPort] = [await freePort(), await freePort()];
  const master = `spark://127.0.0.1:${port}`;
  const workers = new Map<string, ChildProcess>();
  const hides = mayHide();
  const start = (name: string, main: string, args: string[], env?: NodeJS.ProcessEnv) => {
    const log = openSync(path.join(folder, `${name}.log`), "a");
    const line = [path.join(sparkHome, "bin", "spark-class"), main, ...args];
    const [program = "", ...rest] = env && hides ? [...behindMounts(hidden), ...line] : line;
    return spawn(program, rest, {
      detached: true,
      stdio: ["ignore", log, log],
      env: {
        ...process.env,
        SPARK_HOME: sparkHome,
        JAVA_HOME: javaHome,
        SPARK_LOCAL_IP: "127.0.0.1",
        SPARK_DAEMON_MEMORY: "256m",
        SPARK_DAEMON_JAVA_OPTS: "-XX:+UseSerialGC -XX:TieredStopAtLevel=1",
        ...env,
      },
    });
  };
  const saying = (name: string, text: string) =>
    waitFor({ what: `${name} of Spark, see ${folder}`, timeoutMs: 120_000, intervalMs: 100 }, async () =>
      readFileSync(path.join(folder, `${name}.log`), "utf8").includes(text) ? true : undefined,
    );
  const server = start("master", "org.apache.spark.deploy.master.Master", [
    ...["--host", "127.0.0.1", "--port", String(port), "--webui-port", String(webPort)],
  ]);
  await saying("master", "I have been elected leader");
  return {
    master,
    webPort,
    folder,
    seen: () => (hides ? [...workers.values()].flatMap((one) => entriesSeenBy(one, hidden)) : undefined),
    startWorker: async (name) => {
      const webUi = String(await freePort());
      const args = ["--host", "127.0.0.1", "--cores", "2", "--memory", "1g", "--webui-port", webUi, master];
      const dir = path.join(folder, `work-${name}`);
      workers.set(
        name,
        start(name, "org.apache.spark.deploy.worker.Worker", args, { SPARK_WORKER_DIR: dir }),
      );
      await saying(name, "Successfully registered with master");
    },
    killWorker: async (name) => {
      await kill(workers.get(name));
      workers.delete(name);
    },
    stop: async () => {
      for (const worker of workers.values()) await kill(worker);
      await kill(server);
    },
  };
}

/** Whether this user may have mounts of its own. */
export function mayHide(): boolean {
  return spawnSync("unshare", ["--mount", "true"]).status === 0;
}

/** What a process sees in the folders. */
export function entriesSeenBy({ pid }: ChildProcess, folders: string[]): string[] {
  return folders.flatMap((one) => readdirSync(`/proc/${pid}/root${one}`));
}

/** What a command line begins with, so that its process and the children of that do not see the folders. */
export function behindMounts(hidden: string[]): string[] {
  const script = `for folder in ${hidden.map((one) => `'${one}'`).join(" ")}; do mount -t tmpfs none "$folder"; done; exec "$@"`;
  return ["unshare", "--mount", "bash", "-ec", script, "worker"];
}

/** The whole group: executors are a worker's children. */
async function kill(child: ChildProcess | undefined): Promise<void> {
  if (child?.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, "exit");
  process.kill(-child.pid, "SIGKILL");
  await ended;
}

export async function freePort(): Promise<number> {
  for (;;) {
    const port = 20_000 + Math.floor(Math.random() * 12_000);
    if (await isFree(port)) return port;
  }
}
