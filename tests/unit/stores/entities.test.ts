import { mkdtemp, rm } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { Redis } from "ioredis";
import { afterAll, beforeAll, expect, test } from "vitest";
import { readEntities } from "../../../src/stores/entities.ts";
import { customer } from "../verify/sets.ts";
import { fillRedis } from "../verify/shop.ts";
import { startRedis, type TestRedis } from "./redis-server.ts";

let server: TestRedis;
let redis: Redis;
let offlineRoot: string;

beforeAll(async () => {
  server = await startRedis();
  redis = new Redis(server.url);
  await fillRedis(redis);
  offlineRoot = await mkdtemp(path.join(os.tmpdir(), "cdc-features-entities-"));
}, 30_000);

afterAll(async () => {
  redis.disconnect();
  await server.stop();
  await rm(offlineRoot, { recursive: true, force: true });
});

const get = (entities: string[], now: string) =>
  readEntities(customer, entities, {
    redisUrl: server.url,
    now: new Date(now),
    offlineRoot,
    scratch: offlineRoot,
  });

test("values are aged to now, and so is what derives from them; the rest stays as it is stored", async () => {
  expect(await get(["4"], "2026-03-23T08:00:00Z")).toEqual([
    {
      entity: "4",
      features: {
        order_count_30d: 1,
        total_spend_30d: "30.00",
        avg_order_value_30d: "30.00",
        days_since_last_order: 14,
        is_high_value: false,
        is_lapsed: true,
      },
      asOf: "2026-03-23T08:00:00Z",
    },
  ]);
});

test("a derived value that does not depend on now is shown as stored, right or wrong", async () => {
  await redis.hset("customer:1:features", "is_high_value", "false");
  const [entity] = await get(["1"], "2026-03-20T10:00:00Z");
  expect(entity?.features).toMatchObject({ total_spend_30d: "1100.10", is_high_value: false });
});

test("an entity without a key has no features, and a feature without a field is null", async () => {
  await redis.hdel("customer:2:features", "avg_order_value_30d");
  const [nobody, second] = await get(["99", "2"], "2026-03-20T10:00:00Z");
  expect(nobody).toMatchObject({ entity: "99", features: {} });
  expect(second?.features).toMatchObject({ avg_order_value_30d: null, total_spend_30d: "100.00" });
});

test("a key that is no hash is an error that names it", async () => {
  await redis.del("customer:5:features");
  await redis.set("customer:5:features", "x");
  await expect(get(["5"], "2026-03-20T10:00:00Z")).rejects.toThrow("customer:5:features in Redis: WRONGTYPE");
});

test("no Redis is an error that says how to get one", async () => {
  const nowhere = { redisUrl: "redis://127.0.0.1:1/0", now: new Date(), offlineRoot, scratch: offlineRoot };
  await expect(readEntities(customer, ["1"], nowhere)).rejects.toMatchObject({ exitCode: 3 });
});
