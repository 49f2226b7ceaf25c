import { once } from "node:events";
import { createWriteStream } from "node:fs";
import { mkdir, rm } from "node:fs/promises";
import path from "node:path";
import { finished } from "node:stream/promises";
import { type Command, InvalidArgumentError } from "commander";
import pg from "pg";
import { type FeatureSet, isAsOfNow, topicOf } from "../definition/feature-set.ts";
import { EnvironmentError, UsageError } from "../errors.ts";
import { microsOfDateOrTime, msOfMicros } from "../platform/instants.ts";
import { endsOf } from "../platform/kafka-admin.ts";
import { withPostgres } from "../platform/postgres.ts";
import type { JobBackfilled, JobTable } from "../submit/job-events.ts";
import { refuseOtherPlan, rememberBackfill } from "../submit/plan.ts";
import { isRebuildPending } from "../submit/rebuild.ts";
import { type BackfillOrder, runJob } from "../submit/run.ts";
import { SINKS } from "../submit/run-folder.ts";
import { checkpointInUse, storesWritten } from "../submit/run-states.ts";
import type { Context, Target } from "./context.ts";
import { type Definition, loadDefinitions } from "./definitions.ts";
import { json, option, profile, target } from "./options.ts";
import { featureTable } from "./report/run.ts";
import { sparkSetting } from "./run.ts";
import { submissionOf } from "./submission.ts";

interface BackfillOptions extends Target {
  from: number;
  to: number;
  source: string;
  format?: "csv" | "json" | "parquet";
  sink?: "dual" | "redis" | "parquet";
  onFail: "fail" | "quarantine";
  conf?: Record<string, string>;
  json?: boolean;
}

const CATCH_UP_TIMEOUT_MS = 300_000;
const ROWS_AT_ONCE = 10_000;

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
      if (options.json) {
        const { windows, left, written, seconds } = told;
        const { name } = definition.featureSet;
        terminal.print(
          JSON.stringify({
            featureSet: name,
            source: kindOf(options.source),
            windows,
            left,
            written,
            seconds,
          }),
        );
        return;
      }
      terminal.print(
        `${definition.featureSet.name}: ${told.windows} windows, of which ${told.written} were not as they are by the ` +
          `${kindOf(options.source)} and were written, and ${told.left} were left as they are, ${told.seconds.toFixed(1)} s`,
      );
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
    const written = await storesWritten(stack.stateDir, featureSet.name);
    const sink = options.sink ?? written?.sink ?? "dual";
    if (written !== undefined && sink !== written.sink)
      throw new UsageError(`runs of ${featureSet.name} write ${written.sink}, and --sink says ${sink}`, {
        hint: "Leave --sink out: the stores would get out of step.",
      });
    if (sink === "redis" && kindOf(options.source) === "files")
      throw new UsageError("which windows the stream knows cannot be told without Parquet", {
        hint: "Rows of files go to both stores, or to Parquet alone: --sink dual, or --sink parquet.",
      });
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
    const order: BackfillOrder = {
      from_ms: options.from,
      to_ms: options.to,
      source: kindOf(options.source),
      end: { [topic]: Object.fromEntries(ends) },
      path: null,
      format: null,
    };
    const { postgres } = endpoints;
    if (order.source === "table") {
      if (postgres === undefined || spark.driver.kind !== "local")
        throw new UsageError(`the target ${stack.target} cannot hand the table to the job`, {
          hint: "Leave --source out (the topic has all rows that were captured), or name files that the cluster can read.",
        });
    } else if (order.source === "files") Object.assign(order, filesOf(options, context.cwd));
    let isDumped = false;
    let told: JobBackfilled | undefined;
    let examples: JobTable | undefined;
    try {
      step.update("starting Spark");
      await runJob({
        ...submission,
        ...(checkpoint && { checkpoint }),
        backfill: order,
        // Nobody else is at it by then.
        prepare: async () => {
          await rememberBackfill(stack.stateDir, featureSet);
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
          if (event.event === "started") step.update("Spark is up, computing");
          if (event.event === "backfilled") told = event;
          if (event.event === "table") examples = event;
        },
      });
    } finally {
      if (isDumped) await rm(dump, { recursive: true, force: true });
    }
    if (told === undefined) throw new EnvironmentError("the job has not told what it did");
    return { told, examples };
  });
}

function filesOf({ source, format }: BackfillOptions, cwd: string): Pick<BackfillOrder, "path" | "format"> {
  const isUri = /^[a-z][a-z0-9+.-]*:/i.test(source);
  const named = /\.(csv|json|jsonl|ndjson|parquet)\/?$/i.exec(source)?.[1]?.toLowerCase();
  const known = format ?? (named === "csv" || named === "parquet" || named === undefined ? named : "json");
  if (known === undefined)
    throw new UsageError(
      `--source ${source}: it is neither topic nor table, and its name does not tell its format`,
      {
        hint: "Say --format csv, json (an object per line) or parquet.",
      },
    );
  return { path: isUri ? source : path.resolve(cwd, source), format: known };
}

/** Every row, as the table holds them at one moment, as lines of JSON with texts; the file's path. */
async function dumpTable({ source }: FeatureSet, url: string, folder: string): Promise<string> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const file = path.join(folder, "rows.json");
  const name = pg.escapeIdentifier;
  // As Debezium has them: a time without a zone is in UTC.
  const columns = source.columns.map(({ name: column, type }) => {
    const text =
      type.kind === "timestamp"
        ? `to_char(${name(column)}, 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`
        : `${name(column)}::text`;
    return `${pg.escapeLiteral(column)}, ${text}`;
  });
  const query = `SELECT json_build_object(${columns.join(", ")})::text FROM ${name(source.schema)}.${name(source.table)}`;
  const out = createWriteStream(file, { mode: 0o600 });
  const done = finished(out);
  done.catch(() => {}); // it is told below
  await withPostgres(url, async (client) => {
    try {
      await client.query("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
      await client.query(`DECLARE cdc_features_rows NO SCROLL CURSOR FOR ${query}`);
      for (;;) {
        const fetch = { text: `FETCH ${ROWS_AT_ONCE} FROM cdc_features_rows`, rowMode: "array" as const };
        const { rows } = await client.query<[string]>(fetch);
        if (rows.length === 0) return;
        if (!out.write(`${rows.map(([text]) => text).join("\n")}\n`))
          await Promise.race([once(out, "drain"), done]);
      }
    } catch (cause) {
      out.destroy();
      throw new EnvironmentError(`cannot read the source table: ${(cause as Error).message}`, {
        hint: "Do table and columns of the definition match the database?",
        cause,
      });
    }
  });
  out.end();
  await done;
  return file;
}

/** Ms since 1970. */
function time(text: string): number {
  const micros = microsOfDateOrTime(text);
  if (micros === undefined)
    throw new InvalidArgumentError("It is a date, or a time with its zone, such as 2026-11-01T06:00:00Z.");
  return msOfMicros(micros);
}
