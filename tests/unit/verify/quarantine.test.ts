/** A row that a rule kept from the stores: what they should hold then, and what is found when they do not. */
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { Redis } from "ioredis";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { FeatureSet, Severity, ValidationRule } from "../../../src/definition/feature-set.ts";
import { startRedis, type TestRedis } from "../../support/redis-server.ts";
import { verifyStores } from "./events.ts";
import { customer } from "./sets.ts";
import { fillParquet, fillRedis, holdBack, LOG, NOW } from "./shop.ts";

let server: TestRedis;
let redis: Redis;
let root: string;

beforeAll(async () => {
  server = await startRedis();
  redis = new Redis(server.url);
  root = await mkdtemp(path.join(os.tmpdir(), "cdc-features-quarantine-"));
}, 30_000);

afterAll(async () => {
  redis.disconnect();
  await server.stop();
  await rm(root, { recursive: true, force: true });
});

beforeEach(async () => {
  await fillRedis(redis);
  await fillParquet(root);
});

const range = (max: string, severity: Severity = "quarantine"): ValidationRule => ({
  name: "modest",
  description: "",
  severity,
  check: "range",
  feature: "total_spend_30d",
  min: null,
  max,
});

async function found(
  validation: ValidationRule[],
  sink: "dual" | "redis" | "parquet" = "dual",
): Promise<string[]> {
  const set: FeatureSet = { ...customer, validation };
  const report = await verifyStores(set, { root, redisUrl: server.url }, LOG, { now: NOW, sink });
  return report.differences.map(
    ({ entity, store, feature, kind, because }) =>
      `${store} ${entity ?? "-"} ${feature ?? "*"} ${kind}: ${because}`,
  );
}

/** Customer 1 has 600.00 by the first batch and 1100.10 by the second. */
describe("a row of the second batch is in quarantine", () => {
  beforeEach(() => holdBack(redis, root, ["modest"]));

  test.each(["dual", "redis", "parquet"] as const)(
    "and the stores hold what they held before: %s",
    async (sink) => {
      expect(await found([range("1000")], sink)).toEqual([]);
      expect(await found([range("1000", "fail")], sink)).toEqual([]);
    },
  );

  test("and the stores hold another value than before", async () => {
    await redis.hset("customer:1:features", "total_spend_30d", "1100.10");
    expect(await found([range("1000")])).toEqual([
      expect.stringContaining(
        "online 1 total_spend_30d different: total_spend_30d should be 600.00 but is 1100.10",
      ),
    ]);
  });

  test("and breaks no rule", async () => {
    for (const rules of [[range("2000")], []])
      expect(await found(rules)).toEqual([
        expect.stringContaining(
          "the quarantine of batch 12 says that the row breaks modest, and it breaks no rule",
        ),
      ]);
  });

  test("and has another value than the log gives", async () => {
    await holdBack(redis, root, ["modest"], { 1: "1100.11" });
    expect(await found([range("1000")])).toEqual([
      expect.stringContaining(
        "total_spend_30d should be 1100.10 but is 1100.11 in the quarantine of batch 12",
      ),
    ]);
  });
});

describe("nothing is in quarantine", () => {
  test("and no row breaks a rule", async () => {
    expect(await found([range("2000"), range("1000", "warn")])).toEqual([]);
  });

  test("and a row in the stores breaks one", async () => {
    const [only, ...others] = await found([range("1000")]);
    expect(only).toMatch(
      /^offline 1 total_spend_30d extra: batch 12 wrote a row that breaks modest \(quarantine\)/,
    );
    expect(others).toEqual([]);
    const [online] = await found([range("1000", "fail")], "redis");
    expect(online).toMatch(
      /^online 1 total_spend_30d extra: batch 12 wrote a row that breaks modest \(fail\)/,
    );
  });

  test("and a row changed more than it may, against the one before", async () => {
    const jump = (maxChange: string): ValidationRule => ({
      name: "modest",
      description: "",
      severity: "quarantine",
      check: "sudden_change",
      feature: "total_spend_30d",
      maxChange,
      maxFactor: null,
    });
    expect(await found([jump("500.10")])).toEqual([]);
    expect(await found([jump("500.09")])).toHaveLength(1);
  });
});

describe("what outliers were measured by", () => {
  const outlier = (minHistory: number): ValidationRule => ({
    name: "far",
    description: "",
    severity: "warn",
    check: "outlier",
    feature: "total_spend_30d",
    method: "quantiles",
    threshold: 3,
    minHistory,
  });
  const note = async (
    of: "history" | "batch",
    batch: number,
    low: number,
    values: number,
    rule = "total_spend_30d quantiles 9",
  ) => {
    const folder = path.join(root, "customer_features", "_validation");
    await mkdir(folder, { recursive: true });
    const rules = { far: { of, values, low, high: 50, scale: 50 - low, rule } };
    await writeFile(path.join(folder, `${batch}.json`), JSON.stringify({ batch_id: batch, rules }));
  };

  // Of −0.5, 1, 1.01, 9.99, 20, 30, 50, 100 and 600, all of the first batch.
  test.each([
    ["history", 12],
    ["batch", 9],
  ] as const)("comes out again: %s", async (of, batch) => {
    await note(of, batch, 1.01, 9);
    expect(await found([outlier(9)])).toEqual([]);
    await note(of, batch, 1.02, 9);
    expect(await found([outlier(9)])).toEqual([
      expect.stringMatching(
        /^offline - \* different: _validation\/0{18,19}\d+\.json has for far another middle/,
      ),
    ]);
  });

  test("with too few values there should be nothing", async () => {
    await note("history", 12, 1.01, 9, "total_spend_30d quantiles 10");
    expect(await found([outlier(10)])).toHaveLength(1);
    // One of a rule that has changed since says nothing.
    expect(await found([outlier(11)])).toEqual([]);
  });

  test("a file that cannot be read is told", async () => {
    await note("history", 12, 1.01, 9);
    await writeFile(path.join(root, "customer_features", "_validation", "9.json"), "{");
    expect(await found([outlier(9)])).toEqual([expect.stringContaining("_validation/9.json cannot be read")]);
  });
});
