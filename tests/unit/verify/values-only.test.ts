/** `verify --values-only`: the features in Redis are judged whoever wrote them. */
import { mkdtemp, rm } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { Redis } from "ioredis";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { startRedis, type TestRedis } from "../../support/redis-server.ts";
import { insert, verifyStores } from "./events.ts";
import { customer } from "./sets.ts";
import { fillParquet, fillRedis, LOG, NOW } from "./shop.ts";

let server: TestRedis;
let redis: Redis;
let root: string;

beforeAll(async () => {
  server = await startRedis();
  redis = new Redis(server.url);
  root = await mkdtemp(path.join(os.tmpdir(), "cdc-features-values-"));
}, 30_000);

afterAll(async () => {
  redis.disconnect();
  await server.stop();
  await rm(root, { recursive: true, force: true });
});

/** As a program leaves them that knows of features only. */
beforeEach(async () => {
  await fillRedis(redis);
  for (const key of await redis.keys("*:windows")) await redis.del(key);
  for (const key of await redis.keys("customer:*:features")) {
    const own = (await redis.hkeys(key)).filter((field) => field.startsWith("_"));
    await redis.hdel(key, ...own);
  }
});

const verify = (log = LOG) =>
  verifyStores(customer, { root, redisUrl: server.url }, log, { now: NOW, valuesOnly: true });

async function found(log = LOG): Promise<string[]> {
  const { differences } = await verify(log);
  return differences.map(
    ({ entity, store, feature, kind }) => `${store} ${entity} ${feature ?? "*"} ${kind}`,
  );
}

const KEY = "customer:1:features";

describe("what a program of one's own has written", () => {
  test("is right where the features are, and nothing else is asked for", async () => {
    const report = await verify();
    expect(report.differences).toEqual([]);
    expect(report).toMatchObject({ expected: 5, online: 5, checkedValues: 5 * customer.features.length });
  });

  test("may have fields of its own that begin with _, and an expiry", async () => {
    await redis.hset(KEY, "_computed_at", "a moment ago", "_by", "me");
    await redis.expire(KEY, 1000);
    expect(await found()).toEqual([]);
  });

  test("is judged without regard to what a job has left in Parquet", async () => {
    await fillParquet(root);
    await redis.hset(KEY, "order_count_30d", "9");
    expect(await found()).toEqual(["online 1 order_count_30d different"]);
    await rm(path.join(root, "customer_features"), { recursive: true });
  });

  test("differs in a value, a form, a field too many, a field too few", async () => {
    await redis.hset(KEY, "total_spend_30d", "1100.1", "order_count_30d", "3", "last_order", "today");
    await redis.hdel(KEY, "is_high_value");
    const { differences } = await verify();
    expect(differences.map(({ feature, kind }) => `${feature} ${kind}`).sort()).toEqual([
      "is_high_value missing",
      "last_order extra",
      "order_count_30d different",
      "total_spend_30d different",
    ]);
    expect(differences.find(({ feature }) => feature === "total_spend_30d")?.because).toContain(
      "right value in the wrong form",
    );
  });

  test("differs in whole keys", async () => {
    await redis.del(KEY);
    await redis.hset("customer:99:features", "order_count_30d", "1");
    await redis.del("customer:2:features");
    await redis.set("customer:2:features", "text");
    expect(await found()).toEqual(["online 1 * missing", "online 2 * different", "online 99 * extra"]);
  });

  test("is told which event it misses", async () => {
    const late = { order_id: 77, customer_id: 1, total_amount: "5.00", created_at: "2026-03-20T02:00:00Z" };
    const { differences } = await verify([...LOG, insert(99, late)]);
    expect(differences.map(({ kind }) => kind)).toEqual(["different", "different", "different"]);
    expect(differences[0]?.because).toContain("without order_id 77");
  });
});
