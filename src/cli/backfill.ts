import { rm } from "node:fs/promises";
import path from "node:path";
import { type Command, InvalidArgumentError } from "commander";
import { type FeatureSet, isAsOfNow, topicOf } from "../definition/feature-set.ts";
import { EnvironmentError, UsageError } from "../errors.ts";
import { Recorder, readMeasures } from "../monitor/recorder.ts";
import { microsOfDateOrTime, msOfMicros } from "../platform/instants.ts";
import { endsOf } from "../platform/kafka-admin.ts";
import type { JobBackfilled, JobTable } from "../submit/job-events.ts";
import { refuseOtherPlan, rememberBackfill } from "../submit/plan.ts";
import { isRebuildPending } from "../submit/rebuild.ts";
import { type BackfillOrder, runJob } from "../submit/run.ts";
import { SINKS } from "../submit/run-folder.ts";
import { checkpointInUse, storesWritten } from "../submit/run-states.ts";
import { dumpTable, type Format, filesOf } from "./backfill-rows.ts";
import type { Context, Target } from "./context.ts";
import { type Definition, loadDefinitions } from "./definitions.ts";
import { json, option, profile, target } from "./options.ts";
import { brokenRules, featureTable, validationLines } from "./report/run.ts";
import { sparkSetting } from "./run.ts";
import { aboutSet, RunRecord } from "./run-record.ts";
import { submissionOf } from "./submission.ts";

interface BackfillOptions extends Target {
  from: number;
  to: number;
  source: string;
  format?: Format;
  sink?: "dual" | "redis" | "parquet";
  onFail: "fail" | "quarantine";
  conf?: Record<string, string>;
  json?: boolean;
}

const CATCH_UP_TIMEOUT_MS = 300_000;

export function backfill(program: Command, context: Context): void {
  program
    .command("backfill <set>")
    .description("compute windows of the past from history, in one batch, into both stores")
    .addOption(
      option("--from <time>", "windows that begin from then on: a date, or a time with its zone")
        .argParser(time)
        .makeOptionMandatory(),
    )
    .addOption(option("--to <time>", "and before then").argParser(time).makeOptionMandatory())
    .addOption(
      option(
        "--source <source>",
        "topic (from its start), table (as it is now), or a file or folder with the table's rows",
      ).default("topic"),
    )
    .addOption(
      option("--format <format>", "of a file or folder (default: by its name)").choices([
        "csv",
        "json",
        "parquet",
      ]),
    )
    .addOption(
      option("--sink <sink>", "where features go (default: where the runs of the set write)").choices(
        SINKS.filter((sink) => sink !== "console"),
      ),
    )
    .addOption(
      option("--on-fail <what>", "with rows that break a rule of severity fail, as in run")
        .choices(["fail", "quarantine"])
        .default("fail"),
    )
    .addOption(target())
    .addOption(profile())
    .addOption(option("--master <url>", "Spark's master, over the profile's"))
    .addOption(
      option(
        "--conf <name=value>",
        "a setting of Spark, over those of the target; as often as needed",
      ).argParser(sparkSetting),
    )
    .addOption(json())
    .action(async (set: string, options: BackfillOptions) => {
      const [definition] = await loadDefinitions([set], context.cwd);
      if (definition === undefined) throw new UsageError(`no feature set named ${set}`);
      refuse(definition.featureSet, options);
      const { told, examples } = await backfillOne(definition, options, context);
      const { terminal } = context;
      const { name, validation } = definition.featureSet;
      const { windows, left, written, quarantined, seconds } = told;
      if (options.json) {
        const counted = { featureSet: name, source: kindOf(options.source), windows, left, written, seconds };
        const judged = validation.length > 0 && { quarantined, validation: brokenRules(validation, told) };
        terminal.print(JSON.stringify({ ...counted, ...judged }));
        return;
      }
      terminal.print(
        `${name}: ${windows} windows, of which ${written} were not as they are by the ` +
          `${kindOf(options.source)} and were written, and ${left} were left as they are, ${seconds.toFixed(1)} s`,
      );
      if (validation.length > 0) terminal.print(validationLines(validation, told));
      if (examples !== undefined && examples.rows.length > 0) terminal.print(`${featureTable(examples)}\n`);
    });
}

function refuse(featureSet: FeatureSet, { from, to }: BackfillOptions): void {
  if (from >= to)
    throw new UsageError("--to is not after --from, so that no window begins between them", {
      hint: "For example --from 2026-01-01 --to 2026-02-01; the end is no part of it.",
    });
  if (!isAsOfNow(featureSet)) return;
  throw new UsageError(`${featureSet.name} has no windows of the past: its rows are as of now`, {
    hint: `\`cdc-features run ${featureSet.name} --rebuild\` computes them anew from the whole log.`,
  });
}

function kindOf(source: string): BackfillOrder["source"] {
  return source === "topic" || source === "table" ? source : "files";
}

/** Where the runs of the set write. */
async function sinkOf({ name }: FeatureSet, options: BackfillOptions, stateDir: string) {
  const written = (await storesWritten(stateDir, name))?.sink;
  const sink = options.sink ?? written ?? "dual";
  if (written !== undefined && sink !== written)
    throw new UsageError(`runs of ${name} write ${written}, and --sink says ${sink}`, {
      hint: "Leave --sink out: the stores would get out of step.",
    });
  if (sink === "redis" && kindOf(options.source) === "files")
    throw new UsageError("which windows the stream knows cannot be told without Parquet", {
      hint: "Rows of files go to both stores, or to Parquet alone: --sink dual, or --sink parquet.",
    });
  return sink;
}

async function backfillOne(definition: Definition, options: BackfillOptions, context: Context) {
  const { featureSet } = definition;
  const stack = context.stack(options);
  const endpoints = await stack.up(context.progress, { newPorts: false });
  await context.progress.step("all changes are in Kafka", () => stack.captureCaughtUp(CATCH_UP_TIMEOUT_MS));
  const storage = await stack.storage();
  const topic = topicOf(featureSet.source, stack.topicPrefix);
  // Before anything is read: a snapshot is then newer than its position in the log, never older.
  const ends = await endsOf(endpoints.kafka, topic);
  const signal = context.interruption();
  return context.progress.step(`${featureSet.name} from the ${kindOf(options.source)}`, async (step) => {
    const sink = await sinkOf(featureSet, options, stack.stateDir);
    const checkpoint = await checkpointInUse(stack.stateDir, featureSet.name);
    const submission = await submissionOf(
      definition,
      { ...options, sink, mode: "micro-batch", trigger: "1 second", realtimeBatch: "10 minutes" },
      { stack, endpoints, storage },
    );
    const { folder, spark } = submission;
    if (await isRebuildPending(submission))
      throw new UsageError(`a rebuild of ${featureSet.name} was interrupted`, {
        hint: `\`cdc-features run ${featureSet.name}\` goes on with it; then the past can be filled in.`,
      });
    await refuseOtherPlan(stack.stateDir, featureSet);
    const dump = path.join(folder.folder, "backfill");
    const { postgres } = endpoints;
    if (options.source === "table" && (postgres === undefined || spark.driver.kind !== "local"))
      throw new UsageError(`the target ${stack.target} cannot hand the table to the job`, {
        hint: "Leave --source out (the topic has all rows that were captured), or name files that the cluster can read.",
      });
    const source = kindOf(options.source);
    const order: BackfillOrder = {
      from_ms: options.from,
      to_ms: options.to,
      source,
      end: { [topic]: Object.fromEntries(ends) },
      ...(source === "files" ? filesOf(options, context.cwd) : { path: null, format: null }),
    };
    let isDumped = false;
    let told: JobBackfilled | undefined;
    let examples: JobTable | undefined;
    let recorder: Recorder | undefined;
    let record: RunRecord | undefined;
    try {
      step.update("starting Spark");
      await runJob({
        ...submission,
        ...(checkpoint && { checkpoint }),
        backfill: order,
        // Nobody else is at it by then.
        prepare: async () => {
          await rememberBackfill(stack.stateDir, featureSet);
          const mode = (await readMeasures(folder.measures))?.mode ?? featureSet.mode;
          recorder = await Recorder.open(folder.measures, aboutSet(definition, { ...submission, mode }));
          record = new RunRecord(recorder);
          if (order.source !== "table" || postgres === undefined) return;
          isDumped = true;
          step.update("reading the table");
          order.path = await dumpTable(featureSet, postgres, dump);
          order.format = "json";
          step.update("starting Spark");
        },
        signal,
        ...(spark.secrets && { secrets: spark.secrets }),
        onEvent: (event) => {
          record?.hear(event);
          if (event.event === "started") step.update("Spark is up, computing");
          if (event.event === "backfilled") told = event;
          if (event.event === "table") examples = event;
        },
      });
    } finally {
      await recorder?.close();
      if (isDumped) await rm(dump, { recursive: true, force: true });
    }
    if (told === undefined) throw new EnvironmentError("the job has not told what it did");
    return { told, examples };
  });
}

/** Ms since 1970. */
function time(text: string): number {
  const micros = microsOfDateOrTime(text);
  if (micros === undefined)
    throw new InvalidArgumentError("It is a date, or a time with its zone, such as 2026-11-01T06:00:00Z.");
  return msOfMicros(micros);
}
