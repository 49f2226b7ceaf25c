/** One run of a feature set's job: lock, settings, spark-submit, what it says, how it ends. */
import { createWriteStream, existsSync, writeFileSync } from "node:fs";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { createInterface } from "node:readline";
import { execa } from "execa";
import { InterruptedError, JobError, UsageError } from "../errors.ts";
import type { KafkaConnection, RedisConnection } from "../platform/connections.ts";
import { lastLines, readIfExists, writeFileAtomic } from "../platform/files.ts";
import { tryLock, unlock } from "../platform/lock.ts";
import { isAlive, type ProcessRef, processRef, startTimeOf } from "../platform/processes.ts";
import { withoutSecrets } from "../platform/secrets.ts";
import type { Storage } from "../platform/storage.ts";
import { environmentOf, type JobFiles, prepareFiles, type Spark, sharedSettings } from "./command-line.ts";
import { type JobEvent, type JobFinished, parseJobEvent, parseReport } from "./job-events.ts";
import type { RunFolder, Sink } from "./run-folder.ts";
import { reportOf, settingsOf, stopFileOf } from "./settings.ts";

export interface RunRequest extends Submitted {
  folder: RunFolder;
  kafka: KafkaConnection;
  topicPrefix: string;
  redis: RedisConnection;
  storage: Storage;
  sink: Sink;
  /** Both stores were always written together. */
  inStep: boolean;
  continuous: boolean;
  /** What the checkpoint has to be made by. */
  plan?: unknown;
  /** Done while no other run of the set can be on, before the job starts. */
  prepare(): Promise<void>;
}

export interface Submitted extends JobFiles {
  folder: Pick<RunFolder, "folder" | "script" | "settings" | "log" | "stop" | "job">;
  spark: Spark;
  /** How a job elsewhere in a cluster is told to stop, and heard. */
  remote?: Remote;
  /** The cluster has nothing free for the job; told again and again. */
  onWaiting?(): void;
  /** Texts that are not to be written anywhere. */
  secrets?: string[];
  /** Ends the job after what it is at. */
  signal: AbortSignal;
  onEvent(event: JobEvent): void;
}

/** How long a job may take to end its batch before it is killed; its checkpoint survives that too. */
const STOP_TIMEOUT_MS = 60_000;

const STOP_POLL_MS = 200;

/** What Spark's scheduler says every 15 s. */
const NO_RESOURCES = "Initial job has not accepted any resources";

/**
 * Runs the job to its end. Throws UsageError when another run of the set is on, JobError with the job's own
 * cause when it fails, InterruptedError when a run that was to end by itself was stopped.
 */
export async function runJob(request: RunRequest): Promise<JobFinished> {
  const { folder, featureSet } = request;
  await mkdir(folder.folder, { recursive: true });
  await refuseSecondRun(request);
  try {
    await request.prepare();
    await request.spark.clear?.();
    await rm(folder.stop, { force: true });
    await writeFileAtomic(folder.settings, JSON.stringify(settingsOf(request), null, 2), 0o600);
    const remote = remoteOf(request);
    await remote?.begin();
    const finished = await submit({ ...request, ...(remote && { remote }) }, "finished");
    if (request.signal.aborted && !request.continuous) {
      throw new InterruptedError(`the run of ${featureSet} was stopped`, {
        hint: "The next run goes on from the checkpoint.",
      });
    }
    return finished;
  } finally {
    if (request.spark.driver.kind === "shared")
      await rm(sharedSettings(request.spark.driver), { force: true });
    await rm(folder.job, { force: true });
    await unlock(folder.lock);
  }
}

async function refuseSecondRun({ folder, featureSet, continuous }: RunRequest): Promise<void> {
  const holder = await tryLock(folder.lock, `run ${featureSet}${continuous ? " --continuous" : ""}`);
  if (holder !== undefined) {
    throw new UsageError(`${featureSet} is already being run: \`${holder.purpose}\` (pid ${holder.pid})`, {
      hint: "Two runs would share one checkpoint. Stop that one with Ctrl-C, or wait until it ends.",
    });
  }
  const job = await runningJob(folder);
  if (job === undefined) return;
  await unlock(folder.lock);
  throw new UsageError(
    `a job of ${featureSet} still runs (pid ${job.pid}), though the command that started it is gone`,
    {
      hint: `Stop it with \`kill ${job.pid}\` or \`cdc-features down\`.`,
    },
  );
}

/** The set's living job, whoever started it. A broken file names none: it was whole before the machine crashed. */
export async function runningJob(folder: RunFolder): Promise<ProcessRef | undefined> {
  const text = await readIfExists(folder.job);
  if (text === undefined) return undefined;
  let job: ProcessRef;
  try {
    job = processRef.parse(JSON.parse(text));
  } catch {
    return undefined;
  }
  return isAlive(job) ? job : undefined;
}

/** Resolves with the event that ends the job as it should. Throws as `runJob` does. */
export async function submit<Last extends JobEvent["event"]>(
  request: Submitted,
  last: Last,
): Promise<Extract<JobEvent, { event: Last }>> {
  const { folder, spark, featureSet, signal } = request;
  // A session of its own: Ctrl-C reaches this command only, which then asks the job to end.
  const { command, args, files } = await prepareFiles(spark, request);
  const job = execa(command, args, {
    cwd: folder.folder,
    env: environmentOf(spark, request),
    extendEnv: false,
    detached: true,
    cleanup: false,
    reject: false,
    buffer: false,
    ...(files === undefined ? { stdin: "ignore" } : { stdin: "pipe" }),
  });
  // It stays open until the job is to stop, and closes by itself when this command is gone, however that came.
  if (files !== undefined) job.stdin?.on("error", () => {}).write(files);
  // A job on this machine looks for the file itself.
  const isToStop = setInterval(() => {
    if (spark.driver.kind === "local" || !existsSync(folder.stop)) return;
    clearInterval(isToStop);
    job.stdin?.end();
    // Where it cannot be told, it is ended like one that does not listen.
    request.remote?.stop().catch(() => {});
  }, STOP_POLL_MS);
  const log = createWriteStream(folder.log);
  const hide = (text: string) => withoutSecrets(text, request.secrets ?? []);
  createInterface({ input: job.stderr }).on("line", (line) => {
    if (line.includes(NO_RESOURCES)) request.onWaiting?.();
    log.write(`${hide(line)}\n`);
  });
  let logProblem = "";
  log.on("error", (error) => {
    logProblem = ` (incomplete: ${error.message})`;
  });

  let finished: Extract<JobEvent, { event: Last }> | undefined;
  let failure: { type: string; message: string } | undefined;
  const hear = (event: JobEvent) => {
    if (isEvent(event, last)) finished = event;
    if (event.event === "failed") {
      failure = event.error;
      log.write(`${hide(event.error.traceback)}\n`);
    }
    request.onEvent(event);
  };
  const lines = createInterface({ input: job.stdout });
  lines.on("line", (line) => {
    const event = parseJobEvent(line);
    if (event === undefined) {
      log.write(`${hide(line)}\n`);
      return;
    }
    hear(event);
  });

  const stop = () => void askToStop(folder, job.pid);
  const leaveNone = () => leaveStopFile(folder);
  process.once("exit", leaveNone);
  let result: Awaited<typeof job>;
  try {
    if (job.pid !== undefined) await rememberJob(folder, job.pid);
    if (signal.aborted) stop();
    signal.addEventListener("abort", stop, { once: true });
    result = await job;
    for (const event of (await request.remote?.events()) ?? []) hear(event);
  } finally {
    signal.removeEventListener("abort", stop);
    process.off("exit", leaveNone);
    clearInterval(isToStop);
    await new Promise((resolve) => log.end(resolve));
  }

  if (finished !== undefined) return finished;
  const cause =
    failure === undefined
      ? await causeInLog(folder.log, result.shortMessage)
      : `${failure.type}: ${failure.message}`;
  if (signal.aborted) throw new InterruptedError(`the run of ${featureSet} was stopped`);
  const elsewhere = request.remote === undefined ? "" : " Its driver's own log is in the cluster.";
  throw new JobError(`the job of ${featureSet} failed\n${hide(oneScreen(cause))}`, {
    hint: `The full log: ${folder.log}${logProblem}.${elsewhere}`,
  });
}

/** A job elsewhere in a cluster. */
interface Remote {
  /** Nothing of an earlier run is taken for this one's. */
  begin(): Promise<void>;
  stop(): Promise<void>;
  events(): Promise<JobEvent[]>;
}

function remoteOf(request: RunRequest): Remote | undefined {
  const report = reportOf(request);
  const { storage } = request;
  const { notes } = storage;
  if (report === undefined || notes === undefined) return undefined;
  const stop = stopFileOf(request);
  return {
    begin: async () => {
      for (const place of [report, stop]) await storage.remove(place);
    },
    stop: () => notes.write(stop, ""),
    events: async () => {
      const text = await notes.read(report);
      return text === undefined ? [] : parseReport(text);
    },
  };
}

function isEvent<Name extends JobEvent["event"]>(
  event: JobEvent,
  name: Name,
): event is Extract<JobEvent, { event: Name }> {
  return event.event === name;
}

/** Notes the job for `down` and the next run. A job that nobody could find again does not go on. */
async function rememberJob(folder: Submitted["folder"], pid: number): Promise<void> {
  try {
    await writeFileAtomic(folder.job, JSON.stringify({ pid, startedAt: startTimeOf(pid) ?? "" }));
  } catch (error) {
    kill(pid);
    throw error;
  }
}

async function askToStop(folder: Submitted["folder"], pid: number | undefined): Promise<void> {
  // Where it cannot be asked, it is not waited for either.
  const patience = await writeFile(folder.stop, "").then(
    () => STOP_TIMEOUT_MS,
    () => 0,
  );
  setTimeout(() => kill(pid), patience).unref();
}

/** This process ends before its job (a second Ctrl-C, a bug): the job is to follow. */
function leaveStopFile(folder: Submitted["folder"]): void {
  try {
    writeFileSync(folder.stop, "");
  } catch {
    // `down` finds the job.
  }
}

function kill(pid: number | undefined): void {
  try {
    if (pid !== undefined) process.kill(-pid, "SIGKILL");
  } catch {
    // It has ended meanwhile.
  }
}

/** For a job that died without a word: what its log says last that looks like a reason. */
async function causeInLog(log: string, fallback: string | undefined): Promise<string> {
  const lines = await lastLines(log, 400);
  const telling = lines.filter(
    (line) =>
      // An event in the log is one that could not be read.
      /(Error|Exception|ERROR|error:|No such file|^@cdc-features )/.test(line) && !/^\s+at /.test(line),
  );
  return telling.slice(-8).join("\n") || fallback || "it ended without a message";
}

function oneScreen(text: string): string {
  const lines = text
    .split("\n")
    .filter((line) => !/^\s+at [\w.$]+\(/.test(line) && line.trim() !== "JVM stacktrace:");
  return lines.length <= 15
    ? lines.join("\n")
    : [...lines.slice(0, 14), `… ${lines.length - 14} more lines in the log`].join("\n");
}

/** Stops whatever job of the set is on, gently first. For `down`. */
export async function stopJob(folder: RunFolder): Promise<void> {
  const job = await runningJob(folder);
  if (job === undefined) return;
  await askToStop(folder, job.pid);
  while (isAlive(job)) await new Promise((resolve) => setTimeout(resolve, 100));
}
