/** What a running job says of itself: lines `@cdc-features {json}` on its stdout. */
import { z } from "zod";

const MARK = "@cdc-features ";

const scalar = z.union([z.string(), z.number(), z.boolean(), z.null()]);

const started = z.object({
  event: z.literal("started"),
  pid: z.number(),
  application_id: z.string().nullish(),
  spark_ui: z.string().nullish(),
  run_id: z.string().nullish(),
});

const progress = z.object({
  event: z.literal("progress"),
  batch: z.number(),
  read: z.number(),
  read_total: z.number(),
  rows_per_second: z.number(),
  entities_written: z.number(),
  entities_written_total: z.number(),
  watermark: z.string().nullish(),
  seconds_behind: z.number().nullish(),
  /** Sum of the batch's end offsets. */
  position: z.number(),
  /** When its newest record came to Kafka, ms since 1970. */
  newest_ms: z.number().nullable(),
  applied: z.number(),
  duplicates: z.number(),
  late: z.number(),
  dead_letters: z.number(),
  ignored: z.number(),
  /** Rows of features that were served, and that were kept from the stores. */
  rows_written: z.number(),
  quarantined: z.number(),
  violations: z.record(z.string(), z.number()),
  /** Calls of the online store that were sent again. */
  retries: z.number(),
  state_rows: z.number(),
  state_bytes: z.number(),
  seconds: z.number(),
  /** Seconds by phase. */
  phases: z.record(z.string(), z.number()),
  /** How many changes there were, and which share of them was at most how old (seconds) when they could be read. */
  ages: z.object({ count: z.number(), shares: z.array(z.tuple([z.number(), z.number()])) }).nullable(),
});

/** Rows that time alone had changed broke rules. */
const refreshed = z.object({
  event: z.literal("refreshed"),
  quarantined: z.number(),
  violations: z.record(z.string(), z.number()),
});

/** Windows of the past: how many there are, were left as they are, and got a row; the rest is as in `progress`. */
const backfilled = z.object({
  event: z.literal("backfilled"),
  windows: z.number(),
  left: z.number(),
  written: z.number(),
  quarantined: z.number(),
  violations: z.record(z.string(), z.number()),
  retries: z.number(),
  seconds: z.number(),
});

/** A batch could not be written, and the run is about to fail. */
const writeFailed = z.object({ event: z.literal("write_failed"), store: z.enum(["redis", "parquet"]) });

/** A batch of real-time mode is about to begin: what its features are right as of. */
const realtime = z.object({
  event: z.literal("realtime"),
  run: z.string(),
  batch: z.number(),
  /** Sum of its start offsets. */
  position: z.number(),
  /** Start (epoch seconds) of the newest window that is no longer kept. */
  expired: z.number(),
});

/** What was published is made exact by micro-batches, after which real-time batches may begin again. */
const paused = z.object({ event: z.literal("paused"), run: z.string() });

const table = z.object({ event: z.literal("table"), rows: z.array(z.record(z.string(), scalar)) });

const finished = z.object({
  event: z.literal("finished"),
  read: z.number(),
  applied: z.number(),
  duplicates: z.number(),
  late: z.number(),
  dead_letters: z.number(),
  ignored: z.number(),
  entities_written: z.number(),
  rows_written: z.number().default(0),
  batches: z.number(),
  state_rows: z.number(),
  state_bytes: z.number(),
  /** Rows that were kept from the stores, and by rule how many broke it. */
  quarantined: z.number().default(0),
  violations: z.record(z.string(), z.number()).default({}),
  seconds: z.number(),
  /** It was told to end, and may not have read all. */
  stopped: z.boolean().default(false),
});

const failed = z.object({
  event: z.literal("failed"),
  error: z.object({ type: z.string(), message: z.string(), traceback: z.string() }),
});

const text = z.string().nullable();

/** What came of a golden case: values as the online store writes them. */
const goldenCase = z.object({
  event: z.literal("case"),
  number: z.number(),
  seconds: z.number(),
  rows: z.array(
    z.object({
      entity: z.string(),
      window_start: text,
      window_end: text,
      event_timestamp: text,
      features: z.record(z.string(), text),
      served: z.boolean(),
    }),
  ),
  /** Why there are no rows, where the job failed. */
  error: failed.shape.error.nullable(),
});

/** What a process of a benchmark measured; the seconds are those of its batches. */
const measured = z.object({
  event: z.literal("measured"),
  records: z.number(),
  seconds: z.number(),
  batches: z.number(),
});

/** All golden cases were told. */
const tested = z.object({ event: z.literal("tested") });

const jobEvent = z.discriminatedUnion("event", [
  started,
  progress,
  realtime,
  paused,
  refreshed,
  writeFailed,
  backfilled,
  table,
  finished,
  failed,
  goldenCase,
  tested,
  measured,
]);

export type JobEvent = z.infer<typeof jobEvent>;
export type JobProgress = z.infer<typeof progress>;
export type JobRealtime = z.infer<typeof realtime>;
export type JobBackfilled = z.infer<typeof backfilled>;
export type JobTable = z.infer<typeof table>;
export type JobFinished = z.infer<typeof finished>;
export type JobGoldenCase = z.infer<typeof goldenCase>;

/** The events that a job wrote for a command that does not hear it; none where it could not write them whole. */
export function parseReport(text: string): JobEvent[] {
  try {
    return z.array(jobEvent).parse(JSON.parse(text));
  } catch {
    return [];
  }
}

/** The event in a line of output; undefined for any other line, also one that a killed job left unfinished. */
export function parseJobEvent(line: string): JobEvent | undefined {
  if (!line.startsWith(MARK)) return undefined;
  try {
    return jobEvent.parse(JSON.parse(line.slice(MARK.length)));
  } catch {
    return undefined;
  }
}
