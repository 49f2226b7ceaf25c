/** What a benchmark found, as it stands in its JSON: the page is rendered from nothing else. Times in the unit of their name, sizes in bytes. */
import { z } from "zod";

export const PARTS = ["bulk", "reads", "idle", "writes", "freshness", "hot", "growth"] as const;
export type Part = (typeof PARTS)[number];

const percentiles = z.object({
  count: z.number(),
  p50: z.number(),
  p95: z.number(),
  p99: z.number(),
  max: z.number(),
});

/** Of a job's processes; not known but on Linux. */
const usage = z.object({
  cpuSeconds: z.number(),
  /** Most that was resident at a time. */
  jvmPeakBytes: z.number(),
  pythonDriverPeakBytes: z.number(),
  pythonWorkersPeakBytes: z.number(),
});

const jobMeasure = z.object({
  records: z.number(),
  batches: z.number(),
  /** Of the batches with records, as Spark's progress tells it. */
  querySeconds: z.number(),
  /** From the session to the end of all work: planning, batches, refresh. */
  jobSeconds: z.number(),
  /** From the call of spark-submit to its end. */
  processSeconds: z.number(),
  /** Of the JVM: they depend on how long a job is expected to last. */
  jvmOptions: z.string(),
  state: z.object({ rows: z.number(), bytes: z.number() }).nullable(),
  usage: usage.nullable(),
});

const bulk = z.object({
  capture: z.object({
    rows: z.number(),
    insertSeconds: z.number(),
    /** From the first insert until Kafka had everything. */
    seconds: z.number(),
  }),
  ways: z.array(jobMeasure.extend({ way: z.string(), title: z.string() })),
});

const rateResult = z.object({
  /** Changes per second: what was asked for, and what was committed. */
  rate: z.number(),
  achieved: z.number(),
  seconds: z.number(),
  changes: z.number(),
  /** From commit to readable; null where nothing became readable. */
  latencyMs: percentiles.nullable(),
  /** One change in so many is watched. */
  watchedEvery: z.number(),
  /** Committed and not readable when the last change of this rate was committed. */
  backlogAtEnd: z.number(),
  /** Still not readable when waiting was given up. */
  unreadable: z.number(),
  holds: z.boolean(),
});

const wayFreshness = z.object({
  way: z.string(),
  title: z.string(),
  trigger: z.string(),
  warmUpSeconds: z.number(),
  rateWarmUpSeconds: z.number(),
  rates: z.array(rateResult),
  /** Entities whose number of orders was compared with the database's afterwards, and those that differ. */
  compared: z.number(),
  differ: z.number(),
});

const write = z.object({
  store: z.string(),
  what: z.string(),
  writers: z.number(),
  rows: z.number(),
  bytes: z.number(),
  seconds: z.number(),
});

const reads = z.object({
  inProcess: z.array(z.object({ what: z.string(), entities: z.number(), ms: percentiles })),
  /** The command `get` as a process, each time it was called. */
  commandSeconds: z.array(z.number()),
});

const idle = z.object({
  read: z.number(),
  /** The command `run` as a process, and its job as it tells itself. */
  commandSeconds: z.array(z.number()),
  jobSeconds: z.array(z.number()),
});

const growth = z.object({
  runs: z.array(jobMeasure.extend({ events: z.number(), entities: z.number() })),
});

const hot = z.object({ rows: z.number(), entity: z.number(), freshness: wayFreshness });

export const benchDocument = z.object({
  version: z.literal(1),
  /** ISO time, UTC. */
  started: z.string(),
  seconds: z.number(),
  /** False while it runs, and where it was interrupted or failed. */
  complete: z.boolean(),
  machine: z.object({
    cpu: z.string(),
    cores: z.number(),
    memoryBytes: z.number(),
    os: z.string(),
    kernel: z.string(),
    /** The machine's load over a minute before anything was started; null where there is no such thing. */
    loadBefore: z.number().nullable(),
  }),
  versions: z.record(z.string(), z.string()),
  settings: z.object({
    parts: z.array(z.enum(PARTS)),
    ways: z.array(z.string()),
    events: z.number(),
    entities: z.number(),
    rates: z.union([z.literal("auto"), z.array(z.number())]),
    secondsPerRate: z.number(),
    warmUpSeconds: z.number(),
    trigger: z.string(),
    hotRows: z.number(),
    hotRate: z.number(),
    growthEvents: z.array(z.number()),
    growthEntities: z.array(z.number()),
    sparkMaster: z.string(),
    sparkConf: z.record(z.string(), z.string()),
  }),
  seed: z.number(),
  parts: z.object({
    bulk: bulk.optional(),
    reads: reads.optional(),
    idle: idle.optional(),
    writes: z.array(write).optional(),
    freshness: z.array(wayFreshness).optional(),
    hot: hot.optional(),
    growth: growth.optional(),
  }),
});

export type BenchDocument = z.infer<typeof benchDocument>;
export type JobMeasure = z.infer<typeof jobMeasure>;
export type Usage = z.infer<typeof usage>;
export type BulkResult = z.infer<typeof bulk>;
export type RateResult = z.infer<typeof rateResult>;
export type WayFreshness = z.infer<typeof wayFreshness>;
export type WriteResult = z.infer<typeof write>;
export type ReadResult = z.infer<typeof reads>;
export type IdleResult = z.infer<typeof idle>;
export type GrowthResult = z.infer<typeof growth>;
export type HotResult = z.infer<typeof hot>;
