/** One run of a feature set's job: lock, settings, spark-submit, what it says, how it ends. */
import { randomUUID } from "node:crypto";
import { createWriteStream, existsSync, writeFileSync } from "node:fs";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { createInterface } from "node:readline";
import { execa, type Result } from "execa";
import { z } from "zod";
import type { Mode } from "../definition/mode.ts";
import { InterruptedError, JobError, UsageError } from "../errors.ts";
import type { KafkaConnection, RedisConnection } from "../platform/connections.ts";
import { lastLines, readIfExists, writeFileAtomic } from "../platform/files.ts";
import { endsOf } from "../platform/kafka-admin.ts";
import { tryLock, unlock } from "../platform/lock.ts";
import { isAlive, processRef, startTimeOf } from "../platform/processes.ts";
import { withoutSecrets } from "../platform/secrets.ts";
import { below, type Storage } from "../platform/storage.ts";
import { isAtRest } from "./at-rest.ts";
import {
  environmentOf,
  type JobFiles,
  prepareFiles,
  removeSharedSettings,
  type Spark,
} from "./command-line.ts";
import { type JobEvent, type JobFinished, parseJobEvent } from "./job-events.ts";
import { RemoteJob, remotePlacesOf } from "./remote-job.ts";
import { type Checkpoint, checkpointOf, type RunFolder, type Sink } from "./run-folder.ts";
import { settingsOf } from "./settings.ts";

export interface RunRequest extends Submitted {
  folder: RunFolder;
  kafka: KafkaConnection;
  topicPrefix: string;
  /** What it reads; where it is not told, it is not known whether there is anything to read. */
  topic?: string;
  redis: RedisConnection;
  storage: Storage;
  sink: Sink;
  continuous: boolean;
  /** Of a continuous run: how long changes are gathered before they are computed, as `1 second`. */
  trigger: string;
  mode: Mode;
  /** How long a batch of real-time mode lasts, as `10 minutes`. */
  realtimeBatch: string;
  /** What becomes of rows that break a rule of validation whose severity is `fail`. */
  onFail: "fail" | "quarantine";
  /** Of a backfill the one that the set's stream has, where that is another than sink and mode would have. */
  checkpoint?: Checkpoint;
  /** Instead of working off the log: what settings.py calls a BackfillOrder. */
  backfill?: BackfillOrder;
  /** Most records of a micro-batch; what the target has for it where it is not said. */
  batchRecords?: number;
  /** What the checkpoint has to be made by. */
  plan?: unknown;
  /** Done while no other run of the set can be on, before the job starts. */
  prepare(): Promise<void>;
}

export interface BackfillOrder {
  /** Windows that begin from then on and before `to_ms`, ms since 1970. */
  from_ms: number;
  to_ms: number;
  source: "topic" | "table" | "files";
  /** By topic and partition, the offsets that it is as of. */
  end: Record<string, Record<string, number>>;
  /** Of a snapshot of the table, or of files. */
  path: string | null;
  format: "csv" | "json" | "parquet" | null;
}

export interface Submitted extends JobFiles {
  folder: Pick<RunFolder, "folder" | "script" | "settings" | "log" | "stop" | "job">;
  spark: Spark;
  /** Where its driver is elsewhere in a cluster. */
  remote?: RemoteJob;
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
  const runId = randomUUID();
  try {
    const remote = remoteOf(request, runId);
    // What an earlier run may have left writes no more, before anything is removed.
    await request.spark.clear?.();
    await remote?.begin();
    // That may have taken a while, and what `prepare` removes is gone.
    if (request.signal.aborted) throw stopped(featureSet);
    await request.prepare();
    await rm(folder.stop, { force: true });
    const job = {
      ...request,
      beginsWithoutSpark: request.backfill === undefined && (await hasNothingToRead(request)),
    };
    const settings = settingsOf({ ...job, runId });
    await writeFileAtomic(folder.settings, JSON.stringify(settings, null, 2), 0o600);
    const finished = await submit({ ...job, ...(remote && { remote }) }, "finished");
    if ((request.signal.aborted || finished.stopped) && !request.continuous) throw stopped(featureSet);
    return finished;
  } finally {
    if (request.spark.driver.kind === "shared") await removeSharedSettings(request.spark.driver, runId);
    await unlock(folder.lock);
  }
}

async function hasNothingToRead(request: RunRequest): Promise<boolean> {
  const { spark, storage, featureSet, topic, kafka, continuous } = request;
  const checkpoint = below(storage.places.checkpoints, featureSet, checkpointOf(request));
  if (continuous || spark.python === undefined || topic === undefined) return false;
  return isAtRest(checkpoint, topic, await endsOf(kafka, topic));
}

function stopped(featureSet: string): InterruptedError {
  return new InterruptedError(`the run of ${featureSet} was stopped`, {
    hint: "The next run goes on from the checkpoint.",
  });
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
  if (job.remoteStop !== undefined) {
    // It only waits for a driver elsewhere, which this run is going to stop.
    kill(job.pid);
    return;
  }
  await unlock(folder.lock);
  throw new UsageError(
    `a job of ${featureSet} still runs (pid ${job.pid}), though the command that started it is gone`,
    {
      hint: `Stop it with \`kill ${job.pid}\` or \`cdc-features down\`.`,
    },
  );
}

const jobRef = processRef.extend({
  /** What tells a driver elsewhere in a cluster to stop; the process only waits for that. */
  remoteStop: z.string().optional(),
});

type JobRef = z.infer<typeof jobRef>;

/** The set's living job, whoever started it. */
export async function runningJob(folder: RunFolder): Promise<JobRef | undefined> {
  const job = await notedJob(folder);
  return job !== undefined && isAlive(job) ? job : undefined;
}

/** A broken file names none: it was whole before the machine crashed. */
async function notedJob(folder: RunFolder): Promise<JobRef | undefined> {
  const text = await readIfExists(folder.job);
  if (text === undefined) return undefined;
  try {
    return jobRef.parse(JSON.parse(text));
  } catch {
    return undefined;
  }
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
  let isTold = false;
  const isToStop = setInterval(() => {
    if (isTold || spark.driver.kind === "local" || !existsSync(folder.stop)) return;
    isTold = true;
    job.stdin?.end();
    request.remote?.stop().catch(() => {
      isTold = false;
    });
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
    if (job.pid !== undefined) await rememberJob(folder, job.pid, request.remote?.places.stop);
    if (signal.aborted) stop();
    signal.addEventListener("abort", stop, { once: true });
    result = await job;
    // One that was killed says nothing of its driver.
    if (result.exitCode !== undefined)
      for (const event of (await request.remote?.events()) ?? []) hear(event);
  } finally {
    signal.removeEventListener("abort", stop);
    process.off("exit", leaveNone);
    clearInterval(isToStop);
    await new Promise((resolve) => log.end(resolve));
    // Of a driver elsewhere that is not known to have ended, `down` has to know.
    if (request.remote === undefined || finished !== undefined || failure !== undefined)
      await rm(folder.job, { force: true });
  }

  if (finished !== undefined) return finished;
  const cause =
    failure === undefined
      ? await causeInLog(folder.log, endOf(result))
      : `${failure.type}: ${failure.message}`;
  if (signal.aborted) {
    throw new InterruptedError(`the run of ${featureSet} was stopped`, {
      ...(request.remote !== undefined && {
        hint: "Its driver in the cluster may still be at its last batch. The next run waits for that.",
      }),
    });
  }
  const elsewhere = request.remote === undefined ? "" : " Its driver's own log is in the cluster.";
  throw new JobError(`the job of ${featureSet} failed\n${hide(oneScreen(cause))}`, {
    hint: `The full log: ${folder.log}${logProblem}.${elsewhere}`,
  });
}

function remoteOf({ spark, storage, featureSet }: RunRequest, runId: string): RemoteJob | undefined {
  const places = remotePlacesOf(spark.driver, storage.places, featureSet);
  return places && storage.notes && new RemoteJob(places, storage.notes, runId);
}

function isEvent<Name extends JobEvent["event"]>(
  event: JobEvent,
  name: Name,
): event is Extract<JobEvent, { event: Name }> {
  return event.event === name;
}

/** Notes the job for `down` and the next run. A job that nobody could find again does not go on. */
async function rememberJob(
  folder: Submitted["folder"],
  pid: number,
  remoteStop: string | undefined,
): Promise<void> {
  const job: JobRef = { pid, startedAt: startTimeOf(pid) ?? "", ...(remoteStop && { remoteStop }) };
  try {
    await writeFileAtomic(folder.job, JSON.stringify(job));
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

/** Not the whole command line, which execa's message begins with. */
function endOf({
  signal,
  exitCode,
  originalMessage,
}: Pick<Result, "signal" | "exitCode" | "originalMessage">): string | undefined {
  if (signal !== undefined) return `spark-submit was ended by ${signal}`;
  if (exitCode === undefined) return originalMessage;
  return exitCode === 0 ? undefined : `spark-submit ended with exit code ${exitCode}`;
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
export async function stopJob(folder: RunFolder, storage: () => Promise<Storage>): Promise<void> {
  const job = await notedJob(folder);
  if (job === undefined) return;
  // Its command may be gone, and spark-submit with it, while the driver goes on.
  if (job.remoteStop !== undefined) await (await storage()).notes?.write(job.remoteStop, "");
  if (isAlive(job)) await askToStop(folder, job.pid);
  while (isAlive(job)) await new Promise((resolve) => setTimeout(resolve, 100));
  await rm(folder.job, { force: true });
}
