/**
 * Programs outside: short ones that are waited for, and servers that outlive the command that started them.
 * A server is known by its pid together with the time the process started, so that a pid used again by
 * another program is never taken for it, let alone killed.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, mkdirSync, openSync, readdirSync, readFileSync, readlinkSync } from "node:fs";
import path from "node:path";
import { execa, execaSync } from "execa";
import { z } from "zod";

export interface ProcessRef {
  pid: number;
  /** Opaque text that differs for another process under the same pid. */
  startedAt: string;
}

/** Reads one from a file. */
export const processRef = z.object({ pid: z.number().int().positive(), startedAt: z.string() });

export interface SpawnOptions {
  /** File that takes stdout and stderr, appended. */
  log: string;
  cwd: string;
  env?: NodeJS.ProcessEnv;
  uid?: number;
  gid?: number;
}

/** Starts a server in a session of its own; it goes on when this process ends. */
export function startServer(command: string, args: string[], options: SpawnOptions): ServerProcess {
  mkdirSync(path.dirname(options.log), { recursive: true });
  const log = openSync(options.log, "a");
  try {
    const child = spawn(command, args, {
      cwd: options.cwd,
      env: options.env ?? process.env,
      detached: true,
      stdio: ["ignore", log, log],
      ...(options.uid === undefined ? {} : { uid: options.uid }),
      ...(options.gid === undefined ? {} : { gid: options.gid }),
    });
    return new ServerProcess(child);
  } finally {
    closeSync(log);
  }
}

export class ServerProcess {
  readonly ref: Promise<ProcessRef>;
  #exit: string | undefined;

  constructor(child: ChildProcess) {
    child.unref();
    this.ref = new Promise((resolve, reject) => {
      child.once("spawn", () => {
        const pid = child.pid as number;
        resolve({ pid, startedAt: startTimeOf(pid) ?? "" });
      });
      child.once("error", (error) => {
        this.#exit = error.message;
        reject(error);
      });
    });
    child.once("exit", (code, signal) => {
      this.#exit = signal === null ? `exit code ${code}` : `signal ${signal}`;
    });
  }

  /** How it ended, or undefined while it runs. */
  get exit(): string | undefined {
    return this.#exit;
  }
}

/** When a process started, in the kernel's own count; undefined for a process that is gone or a zombie. */
export function startTimeOf(pid: number): string | undefined {
  if (process.platform === "linux") {
    try {
      // The command name may hold spaces and brackets: fields count from the last bracket.
      const fields = readFileSync(`/proc/${pid}/stat`, "utf8")
        .replace(/^.*\) /s, "")
        .split(" ");
      return fields[0] === "Z" ? undefined : fields[19];
    } catch {
      return undefined;
    }
  }
  const ps = execaSync("ps", ["-o", "lstart=", "-p", String(pid)], { reject: false });
  return ps.stdout.trim() || undefined;
}

export function isAlive(ref: ProcessRef): boolean {
  return startTimeOf(ref.pid) === ref.startedAt;
}

/**
 * Processes whose command line matches and that work in one of the folders or below, also in one that was removed
 * meanwhile, without their children. Where the system does not tell, those that name a folder in their command line.
 */
export async function processesIn(folders: string[], command: RegExp): Promise<ProcessRef[]> {
  const all = process.platform === "linux" ? processesByFolder() : await processesByCommand();
  // In a command line a path is an argument or the value of one.
  const names = folders.flatMap((folder) => [` ${folder}/`, `=${folder}/`]);
  const inside = all.filter(
    (one) => command.test(one.command) && names.some((name) => one.place.includes(name)),
  );
  const pids = new Set(inside.map(({ pid }) => pid));
  return inside
    .filter(({ ppid }) => !pids.has(ppid))
    .map(({ pid }) => ({ pid, startedAt: startTimeOf(pid) ?? "" }));
}

interface PlacedProcess {
  pid: number;
  ppid: number;
  place: string;
  command: string;
}

function processesByFolder(): PlacedProcess[] {
  const pids = readdirSync("/proc").map(Number).filter(Number.isSafeInteger);
  return pids.flatMap((pid) => {
    try {
      const ppid = Number(/^PPid:\s*(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]);
      const folder = readlinkSync(`/proc/${pid}/cwd`).replace(/ \(deleted\)$/, "");
      const command = readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ");
      return [{ pid, ppid, place: ` ${folder}/`, command }];
    } catch {
      return []; // ended meanwhile, or of another user
    }
  });
}

async function processesByCommand(): Promise<PlacedProcess[]> {
  const { stdout } = await runCommand("ps", ["-axo", "pid=,ppid=,command="]);
  return stdout.split("\n").map((line) => {
    const [, pid, ppid, place = ""] = /^\s*(\d+)\s+(\d+)\s+(.*)$/.exec(line) ?? [];
    return { pid: Number(pid), ppid: Number(ppid), place, command: place };
  });
}

export type StopSignal = "SIGTERM" | "SIGINT" | "SIGQUIT";

/** Asks the process to end, waits, and kills its whole group when it has not. Returns whether it went gently. */
export async function stopServer(
  ref: ProcessRef,
  graceMs: number,
  signal: StopSignal = "SIGTERM",
): Promise<boolean> {
  if (!isAlive(ref)) return true;
  kill(ref.pid, signal);
  if (await gone(ref, graceMs)) return true;
  kill(-ref.pid, "SIGKILL");
  await gone(ref, 5_000);
  return false;
}

function kill(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}

async function gone(ref: ProcessRef, ms: number): Promise<boolean> {
  const end = performance.now() + ms;
  while (isAlive(ref)) {
    if (performance.now() > end) return false;
    await new Promise((resolve) => setTimeout(resolve, 30));
  }
  return true;
}

export interface CommandResult {
  ok: boolean;
  /** Exit code; undefined when the program could not be started or was killed. */
  exitCode: number | undefined;
  stdout: string;
  stderr: string;
}

/** Runs a program to its end; a failure is a result and not an exception. */
export async function runCommand(
  command: string,
  args: string[],
  options: {
    cwd?: string;
    env?: NodeJS.ProcessEnv;
    timeoutMs?: number;
    uid?: number;
    gid?: number;
    signal?: AbortSignal;
    /** How long it may take to end by the signal. */
    graceMs?: number;
  } = {},
): Promise<CommandResult> {
  const result = await execa(command, args, {
    reject: false,
    stdin: "ignore",
    cleanup: true,
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    ...(options.env === undefined ? {} : { env: options.env, extendEnv: false }),
    ...(options.timeoutMs === undefined ? {} : { timeout: options.timeoutMs }),
    ...(options.uid === undefined ? {} : { uid: options.uid }),
    ...(options.gid === undefined ? {} : { gid: options.gid }),
    ...(options.signal === undefined ? {} : { cancelSignal: options.signal }),
    ...(options.graceMs === undefined ? {} : { forceKillAfterDelay: options.graceMs }),
  });
  return {
    ok: !result.failed,
    exitCode: result.exitCode,
    stdout: result.stdout ?? "",
    stderr:
      result.stderr || (result.failed && result.exitCode === undefined ? (result.shortMessage ?? "") : ""),
  };
}
