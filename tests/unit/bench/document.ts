/** A benchmark's document with every part, small. */
import type { BenchDocument, JobMeasure, WayFreshness } from "../../../src/bench/document.ts";

const JOB: JobMeasure = {
  records: 2_000,
  batches: 1,
  querySeconds: 4,
  jobSeconds: 6,
  processSeconds: 10,
  jvmOptions: "-XX:+UseSerialGC",
  state: { rows: 77, bytes: 123_456 },
  usage: { cpuSeconds: 12.5, jvmPeakBytes: 9e8, pythonDriverPeakBytes: 7e7, pythonWorkersPeakBytes: 3.21e8 },
};

const FRESH: WayFreshness = {
  way: "exact",
  title: "exact job",
  trigger: "1 second",
  warmUpSeconds: 20,
  rateWarmUpSeconds: 3,
  rates: [1, 200].map((rate) => ({
    ...{ rate, achieved: rate, seconds: 30, changes: 30 * rate, watchedEvery: 1 },
    latencyMs: { count: 30 * rate, p50: 801, p95: 1_402, p99: 1_703 + rate, max: 2_000 },
    ...{ backlogAtEnd: rate, unreadable: 0, holds: true },
  })),
  compared: 100,
  differ: 0,
};

export function benchDocument(): BenchDocument {
  return {
    version: 1,
    started: "2026-11-26T10:00:00.123Z",
    seconds: 600,
    complete: true,
    machine: {
      cpu: "A <fast> & odd processor",
      cores: 2,
      memoryBytes: 8e9,
      os: "Debian",
      kernel: "Linux 6",
      loadBefore: 0.1,
    },
    versions: { Spark: "4.1.1", "cdc-features": "0.1.0" },
    settings: {
      parts: ["bulk"],
      ways: ["plain", "exact"],
      events: 2_000,
      entities: 100,
      rates: "auto",
      secondsPerRate: 30,
      warmUpSeconds: 20,
      trigger: "1 second",
      hotRows: 1_000,
      hotRate: 100,
      growthEvents: [1_000, 2_000],
      growthEntities: [10, 100],
      sparkMaster: "local[2]",
      sparkConf: { "spark.driver.memory": "2g" },
    },
    seed: 1,
    parts: {
      bulk: {
        capture: { rows: 2_000, insertSeconds: 1, seconds: 5 },
        ways: [
          { ...JOB, way: "plain", title: "plain pattern", querySeconds: 16, processSeconds: 25, state: null },
          { ...JOB, way: "exact", title: "exact job" },
          { ...JOB, way: "parse", title: "read and parse alone", querySeconds: 2, usage: null },
        ],
      },
      reads: {
        inProcess: [
          { what: "PING", entities: 0, ms: { count: 3_000, p50: 0.043, p95: 0.06, p99: 0.08, max: 1.5 } },
          { what: "get", entities: 100, ms: { count: 3_000, p50: 1.43, p95: 2.5, p99: 3.75, max: 9 } },
        ],
        commandSeconds: [0.91, 0.93, 0.99],
      },
      idle: { read: 0, commandSeconds: [9.5, 9.7, 9.6], jobSeconds: [3, 3, 3] },
      writes: [
        { store: "redis", what: "new keys", writers: 1, rows: 2_000, bytes: 700_000, seconds: 0.1 },
        { store: "parquet", what: "parts", writers: 2, rows: 2_000, bytes: 70_000, seconds: 0.05 },
      ],
      freshness: [
        { ...FRESH, way: "plain", title: "plain pattern", compared: 100, differ: 17 },
        {
          ...FRESH,
          rates: [
            ...FRESH.rates,
            { ...(FRESH.rates[0] as WayFreshness["rates"][0]), rate: 9_000, latencyMs: null, holds: false },
          ],
        },
      ],
      hot: { rows: 1_000, entity: 101, freshness: { ...FRESH, rates: FRESH.rates.slice(1) } },
      growth: {
        runs: [
          { ...JOB, events: 1_000, entities: 100, querySeconds: 3 },
          { ...JOB, events: 2_000, entities: 100 },
          { ...JOB, events: 2_000, entities: 10 },
        ],
      },
    },
  };
}
