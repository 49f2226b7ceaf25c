/** From what other stages know to what a report shows. */
import { expect, test } from "vitest";
import type { ValidationRule } from "../../../src/definition/feature-set.ts";
import { withBatch, withLive, withRun } from "../../../src/monitor/measures.ts";
import { lineageOf } from "../../../src/report/lineage.ts";
import { rulesOf } from "../../../src/report/rules.ts";
import { runsOf } from "../../../src/report/runs.ts";
import { NOW, nothing, told } from "../monitor/told.ts";
import { customer } from "../verify/sets.ts";
import { runs } from "./document.ts";

const observed = { lagEvents: 3, running: false, now: NOW };

test("measures become runs, with batches apart from what came between them", () => {
  const batch = withBatch(nothing(), told({ rows_written: 9 }), NOW);
  const live = withLive(batch, { count: 5, shares: [[1, 0.1]] }, NOW + 1_000);
  const measures = withRun(live, "failed", NOW + 2_000, "the job failed");
  const found = runsOf({ measures, observed, online: null });
  expect(found).toMatchObject({
    ...{ mode: "micro-batch", read: 10, batches: 1, rowsWritten: 9, lagEvents: 3, stateRows: 7 },
    lastRun: { result: "failed", at: "2027-01-15T08:00:02.000Z", because: "the job failed" },
    lastBatch: "2027-01-15T08:00:00.000Z",
    allPhases: { pass: 0.4, parquet: 0.1 },
    recent: [
      { at: "2027-01-15T08:00:00.000Z", eventsPerSecond: 20, seconds: 0.5, p50: 0.2, p99: 4 },
      { at: "2027-01-15T08:00:01.000Z", eventsPerSecond: null, seconds: null, p50: 0.1, p99: 0.1 },
    ],
  });
  expect(found.ages.filter(({ changes }) => changes > 0)).toEqual([
    { upTo: 0.1, changes: 5 },
    { upTo: 0.25, changes: 5 },
    { upTo: 1, changes: 4 },
    { upTo: 5, changes: 1 },
  ]);
  expect(found.ages.at(-1)).toEqual({ upTo: null, changes: 0 });
});

test("rules come with the rows that broke them, and in words", () => {
  const common = { description: "", severity: "warn" } as const;
  const rules: ValidationRule[] = [
    { ...common, name: "positive", check: "range", feature: "spend", min: "0", max: null },
    { ...common, name: "jump", check: "sudden_change", feature: "spend", maxChange: "5", maxFactor: "2.5" },
    { ...common, name: "recent", check: "freshness", maxAgeMs: 86_400_000 },
  ];
  const found = rulesOf(rules, { ...runs(), violations: { positive: 12 } });
  expect(found.map(({ name, rows, check }) => [name, rows, check])).toEqual([
    ["positive", 12, "spend is at least 0"],
    ["jump", 0, "spend changes by at most 5 and at most a factor of 2.5"],
    ["recent", 0, "the latest event is at most 1 day ago"],
  ]);
  expect(rulesOf(rules, null)[0]?.rows).toBeNull();
});

test("a lineage tells of each feature which columns and features it reads", () => {
  const lineage = lineageOf(customer, "shop");
  expect(lineage).toMatchObject({
    ...{ table: "public.orders", topic: "shop.public.orders", job: "customer_features.py" },
    ...{ redisKey: "customer:<customer_id>:features", parquetFolder: "customer_features/" },
    columns: ["order_id", "customer_id", "total_amount", "created_at"],
  });
  const reads = lineage.features.map(({ name, columns, features }) => [name, [...columns, ...features]]);
  expect(Object.fromEntries(reads)).toMatchObject({
    order_count_30d: ["order_id"],
    total_spend_30d: ["total_amount"],
    avg_order_value_30d: ["total_spend_30d", "order_count_30d"],
    days_since_last_order: ["created_at"],
  });
});
