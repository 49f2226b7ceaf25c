/** A report's document by hand: all sections have something to show, and every check passes. */
import { checksOf } from "../../../src/report/checks.ts";
import type { Findings, ReportDocument, Runs } from "../../../src/report/document.ts";

const BOUNDS = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800, 3600, null];

export function runs(): Runs {
  return {
    running: false,
    mode: "micro-batch",
    events: { applied: 9_000, duplicate: 40, late: 30, dead_letter: 20, ignored: 910 },
    eventsPerSecond: 240,
    lagEvents: 0,
    lagSeconds: 0,
    freshnessSeconds: { p50: 0.4, p95: 0.9, p99: 1.7 },
    stalenessSeconds: 12,
    watermark: "2026-11-27T04:12:03.124000Z",
    batchSeconds: 0.3,
    phases: { offsets: 0.01, planning: 0.04, log: 0.02, pass: 0.17, parquet: 0.02, other: 0.04 },
    stateRows: 12_345,
    stateBytes: 2_900_000,
    quarantined: 12,
    violations: { positive: 12 },
    writeFailures: { redis: 0, parquet: 0 },
    writeRetries: 3,
    runs: { finished: 2, failed: 1, stopped: 1 },
    objectives: [
      { name: "freshness_p99", target: 5, actual: 1.7, unit: "seconds", met: true },
      { name: "quarantined_share", target: 0.2, actual: 0.01, unit: "share", met: true },
    ],
    lastRun: { result: "finished", at: "2026-11-27T05:12:03.000Z", because: null },
    read: 10_000,
    batches: 120,
    rowsWritten: 8_000,
    lastBatch: "2026-11-27T05:12:01.000Z",
    ages: BOUNDS.map((upTo, i) => ({ upTo, changes: [0, 0, 900, 5_000, 2_500, 400, 150, 40, 10][i] ?? 0 })),
    allPhases: { offsets: 1.4, planning: 4.3, log: 0.4, pass: 28.5, parquet: 0.3, other: 11.4 },
    recent: Array.from({ length: 120 }, (_, i) => ({
      at: new Date(Date.UTC(2026, 10, 27, 5, 10) + i * 1_000).toISOString(),
      eventsPerSecond: 200 + 100 * Math.sin(i / 9),
      seconds: 0.3 + 0.1 * Math.cos(i / 5),
      p50: 0.4 + 0.1 * Math.sin(i / 7),
      p99: 1.2 + 0.5 * Math.sin(i / 6),
    })),
  };
}

export function findings(): Findings {
  const nothing = { psi: null, ks: null, nullRate: null, zeroRate: null, summary: null, histogram: null };
  return {
    name: "customer",
    description: "Spending and recency of each customer over 30 days",
    definition: { file: "features/customer.yaml", sha256: "bb14a636".repeat(8) },
    hasWritten: true,
    runs: runs(),
    rules: [
      {
        name: "positive",
        severity: "quarantine",
        description: "Nobody is paid for shopping",
        check: "total_spend_30d is at least 0",
        rows: 12,
      },
      {
        name: "known_flag",
        severity: "fail",
        description: "",
        check: "is_high_value is one of true, false",
        rows: 0,
      },
    ],
    quarantine: {
      rows: 12,
      newest: Array.from({ length: 10 }, (_, i) => ({
        entity: String(100 + i),
        windowStart: "2026-11-03T00:00:00.000000Z",
        createdAt: "2026-11-27T05:11:00.000000Z",
        reasons: [{ rule: "positive", reason: `total_spend_30d is -${i}.50, below 0` }],
      })),
    },
    drift: {
      name: "customer",
      windows: "finished",
      reference: {
        from: "2026-10-23T00:00:00.000000Z",
        to: "2026-11-20T00:00:00.000000Z",
        rows: 2_000,
        filling: 0,
      },
      current: {
        from: "2026-11-20T00:00:00.000000Z",
        to: "2026-11-27T00:00:00.000000Z",
        rows: 500,
        filling: 40,
      },
      features: [
        {
          feature: "total_spend_30d",
          kind: "decimal",
          verdict: "fine",
          reasons: [],
          psi: 0.0312,
          ks: 0.042,
          nullRate: { reference: 0, current: 0.02 },
          zeroRate: { reference: 0.01, current: 0.03 },
          summary: {
            reference: { mean: 2_105.5, min: 1.99, p25: 601, median: 1_400, p75: 2_904, max: 121_000 },
            current: { mean: 2_601, min: 0, p25: 710, median: 1_702, p75: 3_400, max: 119_000 },
          },
          histogram: {
            edges: [120, 310, 602.5, 900, 1_400, 1_950, 2_700, 4_100, 12_345.67],
            reference: new Array(10).fill(0.1),
            current: [0.06, 0.08, 0.1, 0.1, 0.11, 0.1, 0.1, 0.11, 0.12, 0.1],
            nulls: { reference: 0, current: 0.02 },
          },
        },
        {
          feature: "favourite_category",
          kind: "text",
          verdict: "fine",
          reasons: [],
          psi: 0.05,
          ks: null,
          nullRate: { reference: 0.1, current: 0.1 },
          zeroRate: null,
          summary: null,
          histogram: {
            categories: ["books", "household appliances and kitchen", "toys"],
            reference: [0.4, 0.2, 0.2],
            current: [0.3, 0.3, 0.2],
            other: { reference: 0.1, current: 0.1 },
            nulls: { reference: 0.1, current: 0.1 },
          },
        },
        {
          ...nothing,
          feature: "first_order_at",
          kind: "timestamp",
          verdict: "fine",
          reasons: [],
          nullRate: { reference: 0, current: 0 },
        },
      ],
    },
    lineage: {
      table: "public.orders",
      topic: "shop.public.orders",
      job: "customer_features.py",
      redisKey: "customer:<customer_id>:features",
      parquetFolder: "customer_features/",
      columns: ["order_id", "customer_id", "total_amount", "created_at"],
      features: [
        ["order_count_30d", "bigint", "number of rows", ["order_id"], []],
        ["total_spend_30d", "decimal, 2 digits", "sum of total_amount", ["total_amount"], []],
        [
          "days_since_last_order",
          "integer",
          "UTC days from the latest created_at to today",
          ["created_at"],
          [],
        ],
        [
          "avg_order_value_30d",
          "decimal, 2 digits",
          "total_spend_30d / order_count_30d",
          [],
          ["total_spend_30d", "order_count_30d"],
        ],
        [
          "is_big_spender_on_average_over_30_days",
          "boolean",
          "avg_order_value_30d > 100",
          [],
          ["avg_order_value_30d"],
        ],
      ].map(([name, type, meaning, columns, features]) => ({
        ...{ name: name as string, type: type as string, meaning: meaning as string, description: "" },
        ...{ columns: columns as string[], features: features as string[] },
      })),
    },
    verification: {
      expected: 1_893,
      online: 1_893,
      offline: 1_893,
      checkedValues: 18_930,
      differences: 0,
      first: [],
    },
  };
}

/** Of a set that is declared and was never run. */
export function neverRun(): Findings {
  const found = findings();
  const { reference, current } = found.drift;
  const reasons = ["there is nothing in the offline store"];
  return {
    ...{ ...found, name: "product", hasWritten: false, runs: null, verification: null },
    rules: found.rules.map((rule) => ({ ...rule, rows: null })),
    quarantine: { rows: 0, newest: [] },
    drift: {
      name: "product",
      windows: "finished",
      reference: { ...reference, rows: 0 },
      current: { ...current, rows: 0, filling: 0 },
      features: found.drift.features.map(({ feature, kind }) => ({
        ...{ feature, kind, verdict: "not compared" as const, reasons },
        ...{ psi: null, ks: null, nullRate: null, zeroRate: null, summary: null, histogram: null },
      })),
    },
  };
}

export function reportOf(...all: Findings[]): ReportDocument {
  const featureSets = all.map((found) => ({ ...found, checks: checksOf(found) }));
  return {
    version: 1,
    ok: featureSets.every(({ checks }) => checks.every(({ result }) => result !== "fail")),
    made: "2026-11-27T05:43:08.561Z",
    against: "log",
    target: "embedded",
    about: { "cdc-features": "0.1.0", Node: "20.20.2", system: "Debian" },
    featureSets,
  };
}
