/** What is known of a set's runs: sums over all of them, what the newest batch told, and the latest batches. Pure. */
import { z } from "zod";
import { type Ages, emptyHistogram, withAges } from "./ages.ts";

const count = z.number();
const counts = z.record(z.string(), count);
const histogram = z.object({ counts: z.array(count), sum: count });
const ages = z.object({ count, shares: z.array(z.tuple([z.number(), z.number()])) });

const sample = z.object({
  /** When it was told, ms since 1970. */
  at: z.number(),
  read: count,
  seconds: z.number(),
  rowsPerSecond: z.number(),
  ages: ages.nullable(),
});

const measures = z.object({
  featureSet: z.string(),
  /** The definition, as an absolute path. */
  file: z.string(),
  /** Of the definition that ran last, as in `Slos`. */
  slos: z.record(z.string(), z.number()),
  /** By rule. */
  severities: z.record(z.string(), z.string()),
  topic: z.string(),
  mode: z.string(),
  /** It is run on a schedule, and no job of it runs in between. */
  scheduled: z.boolean().default(false),
  updatedAt: z.number(),
  totals: z.object({
    /** By what became of them: applied, duplicate, late, dead_letter, ignored. */
    events: counts,
    /** Records that batches have read, by Spark's own count; null where they were not counted from the first batch on. */
    read: count.nullable().default(null),
    entitiesWritten: count,
    /** Rows of features, of which an entity may have several. */
    rowsWritten: count.default(0),
    batches: count,
    quarantined: count,
    /** By rule. */
    violations: counts,
    retries: count,
    /** By store. */
    writeFailures: counts,
    /** By how they ended: finished, failed, stopped. */
    runs: counts,
    /** Seconds by phase of a batch. */
    phases: counts,
    batchSeconds: histogram,
    ages: histogram,
  }),
  /** The run that ended last; null before the first. `because` is the message of one that failed, `at` ms since 1970. */
  lastRun: z
    .object({
      result: z.enum(["finished", "failed", "stopped"]),
      at: z.number(),
      because: z.string().nullable(),
    })
    .nullable()
    .default(null),
  /** When a run began whose end is not known: it is on, or its command was killed. Ms since 1970. */
  begunAt: z.number().nullable().default(null),
  /** Of the newest batch; null before the first. */
  last: z
    .object({
      at: z.number(),
      batch: z.number(),
      /** Sum of its end offsets. */
      position: z.number(),
      /** When its newest record came to Kafka, ms since 1970. */
      newestMs: z.number().nullable(),
      watermark: z.string().nullable(),
      rowsPerSecond: z.number(),
      stateRows: count,
      stateBytes: count,
      seconds: z.number(),
      phases: counts,
    })
    .nullable(),
  /** The latest batches with changes, the newest last. */
  recent: z.array(sample),
});

export type Measures = z.infer<typeof measures>;
export type Sample = z.infer<typeof sample>;

/** Undefined for what is none. */
export function parseMeasures(text: string): Measures | undefined {
  try {
    return measures.parse(JSON.parse(text));
  } catch {
    return undefined;
  }
}

export interface About {
  featureSet: string;
  file: string;
  slos: Record<string, number>;
  severities: Record<string, string>;
  topic: string;
  mode: string;
  scheduled: boolean;
}

export function noMeasures(about: About): Measures {
  return {
    ...about,
    updatedAt: 0,
    totals: {
      events: { applied: 0, duplicate: 0, late: 0, dead_letter: 0, ignored: 0 },
      read: 0,
      entitiesWritten: 0,
      rowsWritten: 0,
      batches: 0,
      quarantined: 0,
      violations: Object.fromEntries(Object.keys(about.severities).map((rule) => [rule, 0])),
      retries: 0,
      writeFailures: { redis: 0, parquet: 0 },
      runs: { finished: 0, failed: 0, stopped: 0 },
      phases: {},
      batchSeconds: emptyHistogram(),
      ages: emptyHistogram(),
    },
    lastRun: null,
    begunAt: null,
    last: null,
    recent: [],
  };
}

/** What a job tells of a batch. */
export interface BatchTold {
  batch: number;
  read: number;
  rows_per_second: number;
  entities_written: number;
  watermark?: string | null | undefined;
  position: number;
  newest_ms: number | null;
  applied: number;
  duplicates: number;
  late: number;
  dead_letters: number;
  ignored: number;
  rows_written: number;
  quarantined: number;
  violations: Record<string, number>;
  retries: number;
  state_rows: number;
  state_bytes: number;
  seconds: number;
  phases: Record<string, number>;
  ages: Ages | null;
}

/** As many as a chart shows, and enough for the percentiles of a few minutes. */
const RECENT = 600;

export function withBatch(before: Measures, told: BatchTold, at: number): Measures {
  const { totals } = before;
  const events = {
    applied: told.applied,
    duplicate: told.duplicates,
    late: told.late,
    dead_letter: told.dead_letters,
    ignored: told.ignored,
  };
  return {
    ...before,
    updatedAt: at,
    totals: {
      ...totals,
      events: added(totals.events, events),
      read: totals.read === null ? null : totals.read + told.read,
      entitiesWritten: totals.entitiesWritten + told.entities_written,
      rowsWritten: totals.rowsWritten + told.rows_written,
      batches: totals.batches + 1,
      quarantined: totals.quarantined + told.quarantined,
      violations: added(totals.violations, told.violations),
      retries: totals.retries + told.retries,
      phases: added(totals.phases, told.phases),
      batchSeconds: withAges(totals.batchSeconds, { count: 1, shares: [[1, told.seconds]] }),
      ages: told.ages === null ? totals.ages : withAges(totals.ages, told.ages),
    },
    last: {
      at,
      batch: told.batch,
      position: told.position,
      newestMs: told.newest_ms,
      watermark: told.watermark ?? null,
      rowsPerSecond: told.rows_per_second,
      stateRows: told.state_rows,
      stateBytes: told.state_bytes,
      seconds: told.seconds,
      phases: told.phases,
    },
    recent: [
      ...before.recent,
      { at, read: told.read, seconds: told.seconds, rowsPerSecond: told.rows_per_second, ages: told.ages },
    ].slice(-RECENT),
  };
}

/** Changes that came to Redis by themselves, in real-time mode: how many since the last time, and how old they were. */
export function withLive(before: Measures, ages: Ages, at: number): Measures {
  const sample = { at, read: ages.count, seconds: 0, rowsPerSecond: 0, ages };
  return {
    ...before,
    updatedAt: at,
    totals: { ...before.totals, ages: withAges(before.totals.ages, ages) },
    recent: [...before.recent, sample].slice(-RECENT),
  };
}

/** Rows that broke rules when time alone had changed them. */
export function withViolations(
  before: Measures,
  { quarantined, violations }: Pick<BatchTold, "quarantined" | "violations">,
  at: number,
): Measures {
  const { totals } = before;
  return {
    ...before,
    updatedAt: at,
    totals: {
      ...totals,
      quarantined: totals.quarantined + quarantined,
      violations: added(totals.violations, violations),
    },
  };
}

/** What a backfill came to; it is no batch of the stream, and no run. */
export function withBackfill(
  before: Measures,
  told: Pick<BatchTold, "quarantined" | "violations" | "retries"> & { written: number },
  at: number,
): Measures {
  const judged = withViolations(before, told, at);
  const { totals } = judged;
  const rowsWritten = totals.rowsWritten + told.written;
  return { ...judged, totals: { ...totals, rowsWritten, retries: totals.retries + told.retries } };
}

/** The run that ended last; null before the first, and where one has begun since. */
export function lastEnded({ lastRun, begunAt }: Measures): Measures["lastRun"] {
  return begunAt === null ? lastRun : null;
}

/** `because` is why it failed. */
export function withRun(
  before: Measures,
  result: "finished" | "failed" | "stopped",
  at: number,
  because: string | null = null,
): Measures {
  const { totals } = before;
  return {
    ...before,
    updatedAt: at,
    totals: { ...totals, runs: added(totals.runs, { [result]: 1 }) },
    lastRun: { result, at, because },
    begunAt: null,
  };
}

/** What a run came to beside the batches that were told one by one. */
export function withRest(
  before: Measures,
  rest: Pick<
    BatchTold,
    | "read"
    | "applied"
    | "duplicates"
    | "late"
    | "dead_letters"
    | "ignored"
    | "entities_written"
    | "rows_written"
    | "quarantined"
    | "violations"
  > & { batches: number },
  at: number,
): Measures {
  const { totals } = before;
  return {
    ...before,
    updatedAt: at,
    totals: {
      ...totals,
      read: totals.read === null ? null : totals.read + rest.read,
      events: added(totals.events, {
        applied: rest.applied,
        duplicate: rest.duplicates,
        late: rest.late,
        dead_letter: rest.dead_letters,
        ignored: rest.ignored,
      }),
      entitiesWritten: totals.entitiesWritten + rest.entities_written,
      rowsWritten: totals.rowsWritten + rest.rows_written,
      batches: totals.batches + rest.batches,
      quarantined: totals.quarantined + rest.quarantined,
      violations: added(totals.violations, rest.violations),
    },
  };
}

export function withWriteFailure(before: Measures, store: string, at: number): Measures {
  const { totals } = before;
  const writeFailures = added(totals.writeFailures, { [store]: 1 });
  return { ...before, updatedAt: at, totals: { ...totals, writeFailures } };
}

function added(before: Record<string, number>, more: Record<string, number>): Record<string, number> {
  const sums = { ...before };
  for (const [name, value] of Object.entries(more)) sums[name] = (sums[name] ?? 0) + value;
  return sums;
}
