import { type Command, InvalidArgumentError } from "commander";
import {
  DURATION_PATTERN,
  explainDuration,
  formatDuration,
  LONGEST_MS,
  parseDuration,
} from "../definition/duration.ts";
import { type FeatureSet, featuresTopicOf, topicOf } from "../definition/feature-set.ts";
import { MODES } from "../definition/mode.ts";
import { InterruptedError, UsageError } from "../errors.ts";
import type { Ages } from "../monitor/ages.ts";
import { withLive } from "../monitor/measures.ts";
import { Recorder } from "../monitor/recorder.ts";
import { FeatureWriter, type Written } from "../online/feature-writer.ts";
import { prepareFeaturesTopic } from "../online/features-topic.ts";
import { replicaIdentity } from "../platform/postgres.ts";
import type { Step } from "../platform/progress.ts";
import type { Storage } from "../platform/storage.ts";
import type { Endpoints, Stack } from "../stack/stack.ts";
import type { JobEvent, JobFinished, JobTable } from "../submit/job-events.ts";
import { refuseOtherPlan, rememberCheckpoint, rememberPlan } from "../submit/plan.ts";
import { finishRebuild, forget, isRebuildPending, type Stored } from "../submit/rebuild.ts";
import { remotePlacesOf } from "../submit/remote-job.ts";
import { runJob } from "../submit/run.ts";
import { checkpointOf, SINKS } from "../submit/run-folder.ts";
import type { Context } from "./context.ts";
import { type Definition, loadDefinitions } from "./definitions.ts";
import { dryRun } from "./dry-run.ts";
import { modeOf } from "./mode.ts";
import { json, option, profile, target } from "./options.ts";
import {
  brokenRules,
  featureTable,
  progressLine,
  realtimeLine,
  realtimeSummary,
  summaryLines,
  validationLines,
} from "./report/run.ts";
import { aboutSet, RunRecord } from "./run-record.ts";
import { onSchedule } from "./schedule.ts";
import { type SubmissionOptions, submissionOf } from "./submission.ts";
import { seedIfEmpty } from "./up.ts";

interface RunOptions extends SubmissionOptions {
  rebuild?: boolean;
  dryRun?: boolean;
  json?: boolean;
}

/** Of a continuous run. */
export const DEFAULT_TRIGGER = "200 milliseconds";

const CATCH_UP_TIMEOUT_MS = 300_000;

export function run(program: Command, context: Context): void {
  program
    .command("run <sets...>")
    .description("compute feature sets: start what is missing, render, submit, follow")
    .addOption(target())
    .addOption(profile())
    .addOption(option("--master <url>", "Spark's master, over the profile's"))
    .addOption(option("--deploy-mode <mode>", "client or cluster, over the profile's"))
    .addOption(option("--continuous", "go on until Ctrl-C"))
    .addOption(
      option(
        "--trigger <duration>",
        "with --continuous: how long changes are gathered before they are computed",
      )
        .default(DEFAULT_TRIGGER)
        .argParser(duration),
    )
    .addOption(
      option("--mode <mode>", "micro-batch or realtime, over the definition's (micro-batch)").choices(MODES),
    )
    .addOption(
      option(
        "--realtime-batch <duration>",
        "with --continuous in real-time mode: how long a batch lasts; between two of them features pause",
      )
        .default("10 minutes")
        .argParser(realtimeBatch),
    )
    .addOption(
      option(
        "--batch-records <number>",
        "most records of a micro-batch (default: by the memory of the target)",
      ).argParser(wholeNumber),
    )
    .addOption(option("--sink <sink>", "where features go").choices(SINKS).default("dual"))
    .addOption(
      option(
        "--on-fail <what>",
        "with rows that break a rule of severity fail: fail ends the run, quarantine keeps them from the stores",
      )
        .choices(["fail", "quarantine"])
        .default("fail"),
    )
    .addOption(
      option("--rebuild", "forget what is stored of the sets, and compute them anew from the change log"),
    )
    .addOption(
      option(
        "--conf <name=value>",
        "a setting of Spark, over those of the target; as often as needed",
      ).argParser(sparkSetting),
    )
    .addOption(option("--dry-run", "show what spark-submit would be called with, and end"))
    .addOption(json())
    .action(async (sets: string[], options: RunOptions, command: Command) => {
      if (!options.continuous && command.getOptionValueSource("trigger") === "cli")
        throw new UsageError("--trigger says how long a run with --continuous gathers changes", {
          hint: "Leave it out, or add --continuous.",
        });
      if (!options.continuous && command.getOptionValueSource("realtimeBatch") === "cli")
        throw new UsageError(
          "--realtime-batch is for a run with --continuous: only that works in real time",
          {
            hint: "Leave it out, or add --continuous.",
          },
        );
      const definitions = await loadDefinitions(sets, context.cwd);
      if (options.dryRun) {
        await dryRun(definitions, options, context);
        return;
      }
      const { runs, failures } = await runAll(definitions, options, context);
      if (options.json) {
        context.terminal.print(JSON.stringify({ runs: runs.map(asJson) }));
      } else for (const run of runs) printRun(run, context);
      // Those that did finish are told first; main can tell one failure only.
      const [failure, ...others] = failures;
      for (const other of others)
        context.progress.note(other instanceof Error ? other.message : String(other));
      if (failure !== undefined) throw failure;
    });
}

/** As definitions write them, which Spark takes, too. */
export function duration(text: string): string {
  if (DURATION_PATTERN.test(text)) {
    if (parseDuration(text) <= LONGEST_MS) return text;
    throw new InvalidArgumentError(`It is ${formatDuration(LONGEST_MS)} at most.`);
  }
  const { message, suggestion, allowed } = explainDuration(text);
  throw new InvalidArgumentError(`${message}: it is ${suggestion ?? allowed?.join(", ")}.`);
}

const LEAST_REALTIME_BATCH_MS = 5_000;

/** Spark takes none that is shorter. */
function realtimeBatch(text: string): string {
  const checked = duration(text);
  if (parseDuration(checked) >= LEAST_REALTIME_BATCH_MS) return checked;
  throw new InvalidArgumentError(`It is ${formatDuration(LEAST_REALTIME_BATCH_MS)} at least.`);
}

function wholeNumber(text: string): number {
  if (!/^[1-9][0-9]{0,8}$/.test(text)) throw new InvalidArgumentError("It is a whole number from 1 on.");
  return Number(text);
}

/** One more `name=value`. */
export function sparkSetting(text: string, before: Record<string, string> = {}): Record<string, string> {
  const [, name, value] = /^(spark\.[^=\s]+)=(.*)$/s.exec(text) ?? [];
  if (name === undefined || value === undefined)
    throw new InvalidArgumentError("It is spark.name=value, such as spark.executor.memory=2g.");
  return { ...before, [name]: value };
}

function printRun({ featureSet, finished, examples, realtime }: Ended, { terminal }: Context): void {
  terminal.print(summaryLines(featureSet.name, finished));
  if (featureSet.validation.length > 0) terminal.print(validationLines(featureSet.validation, finished));
  if (realtime !== undefined && realtime.written > 0) terminal.print(realtimeSummary(realtime));
  if (examples !== undefined && examples.rows.length > 0) terminal.print(`${featureTable(examples)}\n`);
}

interface Ended {
  featureSet: FeatureSet;
  finished: JobFinished;
  /** What the job showed last. */
  examples: JobTable | undefined;
  /** Of a run in real-time mode what went to Redis beside the job's own writes. */
  realtime: Written | undefined;
}

/** The servers once, then all jobs side by side; one that fails leaves the others be. */
async function runAll(definitions: Definition[], options: RunOptions, context: Context) {
  const stack = context.stack(options);
  const modes = definitions.map((definition) => modeOf(definition, options, stack));
  const endpoints = await stack.up(context.progress, {
    newPorts: false,
    realtime: modes.includes("realtime"),
  });
  await seedIfEmpty(stack, endpoints, context);
  await context.progress.step("all changes are in Kafka", () => stack.captureCaughtUp(CATCH_UP_TIMEOUT_MS));
  if (endpoints.postgres !== undefined)
    for (const { featureSet } of definitions) await refuseReplicaIdentity(featureSet, endpoints.postgres);
  const storage = await stack.storage();
  const signal = context.interruption();

  const results = await Promise.allSettled(
    definitions.map((definition) =>
      context.progress.step(`${definition.featureSet.name} features`, (step) =>
        runOne(definition, options, { stack, endpoints, storage, signal, step, context }),
      ),
    ),
  );
  return {
    runs: results.flatMap((result) => (result.status === "fulfilled" ? [result.value] : [])),
    failures: results.flatMap((result): unknown[] => (result.status === "rejected" ? [result.reason] : [])),
  };
}

interface Surroundings {
  stack: Stack;
  endpoints: Endpoints;
  storage: Storage;
  signal: AbortSignal;
  step: Step;
  context: Context;
}

async function runOne(
  definition: Definition,
  options: RunOptions,
  { stack, endpoints, storage, signal, step, context }: Surroundings,
): Promise<Ended> {
  const { featureSet } = definition;
  const { name } = featureSet;
  // A set in batch mode goes on by one run after the other.
  const every = options.continuous ? featureSet.scheduleMs : null;
  const submitted = every === null ? options : { ...options, continuous: false };
  const submission = await submissionOf(definition, submitted, { stack, endpoints, storage });
  const { folder, spark } = submission;
  step.update("starting Spark");
  const remember = () => rememberCheckpoint(stack.stateDir, name, checkpointOf(submission));
  let examples: JobTable | undefined;
  let writer: FeatureWriter | undefined;
  let recorder: Recorder | undefined;
  let record: RunRecord | undefined;
  const onEvent = (event: JobEvent) => {
    record?.hear(event);
    if (event.event === "started") {
      step.update("Spark is up, computing");
      remember();
    }
    if (event.event === "progress") step.update(progressLine(event));
    if (event.event === "realtime") writer?.begin(event);
    // It may begin again: a truncate is for micro-batches.
    if (event.event === "paused") writer?.pause();
    if (event.event !== "table") return;
    if (options.sink === "console" && !options.json) context.terminal.print(`${featureTable(event)}\n`);
    else examples = event;
  };
  // Before a driver that is at work is told to make room.
  if (!options.rebuild && !(await isRebuildPending(submission)))
    await refuseOtherPlan(stack.stateDir, featureSet);
  try {
    let isFirst = true;
    const runOnce = async () => {
      try {
        const finished = await runJob({
          ...submission,
          prepare: async () => {
            const stored = { stateDir: stack.stateDir, folder, redis: endpoints.redis, storage };
            await prepare(featureSet, stored, isFirst ? options : { ...options, rebuild: false });
            isFirst = false;
            // Not before: a run that was refused has nothing to tell, and another one may be telling.
            if (options.sink !== "console") {
              recorder = await Recorder.open(folder.measures, aboutSet(definition, submission));
              record = new RunRecord(recorder);
              record.begin();
            }
            // A driver elsewhere is heard when it has ended, and then by a living command only.
            if (remotePlacesOf(spark.driver, storage.places, name) !== undefined) remember();
            if (submission.mode === "realtime")
              writer = await writerOf(featureSet, stack, endpoints, { step, recorder: () => recorder });
          },
          signal,
          ...(spark.secrets && { secrets: spark.secrets }),
          onEvent,
          onWaiting: () => step.update("waiting for the cluster, which has no free cores or memory for it"),
        });
        await writer?.end();
        record?.end(finished.stopped ? "stopped" : "finished");
        return finished;
      } catch (error) {
        const isStopped = error instanceof InterruptedError;
        record?.end(isStopped ? "stopped" : "failed", isStopped ? null : (error as Error).message);
        throw error;
      } finally {
        await recorder?.close();
        [recorder, record] = [undefined, undefined];
      }
    };
    const finished =
      every === null ? await runOnce() : await onSchedule(every, runOnce, { signal, onWait: step.update });
    return { featureSet, finished, examples, realtime: writer?.total() };
  } finally {
    // Of a job that died, too, all that it published is right.
    await writer?.end();
  }
}

/** Of the online store, for as long as the job works in real time. */
async function writerOf(
  featureSet: FeatureSet,
  { topicPrefix }: Stack,
  { kafka, redis }: Endpoints,
  { step, recorder }: { step: Step; recorder(): Recorder | undefined },
): Promise<FeatureWriter> {
  let before = 0;
  const topic = featuresTopicOf(featureSet.name, topicPrefix);
  const from = await prepareFeaturesTopic(kafka, { topic, source: topicOf(featureSet.source, topicPrefix) });
  return new FeatureWriter({
    ...{ kafka, redis, topic, from },
    groupId: `cdc-features.${topicPrefix}.${featureSet.name}.online`,
    onProgress: (written, trouble) => {
      step.update(realtimeLine(written, trouble));
      const count = written.written - before;
      before = written.written;
      const [p50, p99] = [written.p50Ms, written.p99Ms];
      if (count === 0 || p50 === null || p99 === null) return;
      const shares: Ages["shares"] = [
        [0.5, p50 / 1000],
        [1, p99 / 1000],
      ];
      recorder()?.change((measures) => withLive(measures, { count, shares }, Date.now()));
    },
  });
}

async function prepare(featureSet: FeatureSet, stored: Stored, { rebuild }: RunOptions): Promise<void> {
  if (rebuild) await forget(featureSet, stored);
  else await finishRebuild(featureSet, stored);
  await refuseOtherPlan(stored.stateDir, featureSet);
  await rememberPlan(stored.stateDir, featureSet);
}

/** Values would go wrong with the first row that moves or is deleted. */
async function refuseReplicaIdentity({ name, source }: FeatureSet, postgres: string): Promise<void> {
  if (source.appendOnly || source.replicaIdentity === "default") return;
  const identity = await replicaIdentity(postgres, source);
  if (identity === undefined || identity === "full") return;
  const table = `${source.schema}.${source.table}`;
  throw new UsageError(
    `${name} cannot be exact: ${table} has replica identity ${identity}, so that an update does not tell where its row was`,
    {
      hint: `\`ALTER TABLE ${table} REPLICA IDENTITY FULL;\` and take a new snapshot; or, where rows never move, say \`replica_identity: default\` in the definition.`,
    },
  );
}

function asJson({ featureSet, finished, realtime }: Ended) {
  return {
    featureSet: featureSet.name,
    read: finished.read,
    applied: finished.applied,
    duplicates: finished.duplicates,
    late: finished.late,
    deadLetters: finished.dead_letters,
    ignored: finished.ignored,
    entitiesWritten: finished.entities_written,
    batches: finished.batches,
    stateRows: finished.state_rows,
    stateBytes: finished.state_bytes,
    seconds: finished.seconds,
    ...(featureSet.validation.length > 0 && {
      quarantined: finished.quarantined,
      validation: brokenRules(featureSet.validation, finished),
    }),
    ...(realtime && { realtime }),
  };
}
