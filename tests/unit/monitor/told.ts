/** What a job tells of a batch, and measures of a set without any. */
import { type BatchTold, type Measures, noMeasures } from "../../../src/monitor/measures.ts";

export const NOW = 1_800_000_000_000;

export function told(changes: Partial<BatchTold> = {}): BatchTold {
  return {
    batch: 1,
    read: 10,
    rows_per_second: 20,
    entities_written: 4,
    watermark: "2027-01-15T07:00:00Z",
    position: 10,
    newest_ms: NOW - 2_000,
    applied: 6,
    duplicates: 1,
    late: 1,
    dead_letters: 1,
    ignored: 1,
    rows_written: 4,
    quarantined: 1,
    violations: { positive: 1 },
    retries: 2,
    state_rows: 7,
    state_bytes: 700,
    seconds: 0.5,
    phases: { pass: 0.4, parquet: 0.1 },
    ages: {
      count: 10,
      shares: [
        [0.5, 0.2],
        [0.9, 1],
        [1, 4],
      ],
    },
    ...changes,
  };
}

export function nothing(slos: Record<string, number> = {}): Measures {
  return noMeasures({
    featureSet: "customer",
    file: "/project/features/customer.yaml",
    slos,
    severities: { positive: "quarantine" },
    topic: "shop.public.orders",
    mode: "micro-batch",
    scheduled: false,
  });
}
