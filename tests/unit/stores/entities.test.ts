import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { Redis } from "ioredis";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { FeatureSet } from "../../../src/definition/feature-set.ts";
import { readEntities } from "../../../src/stores/entities.ts";
import { startRedis, type TestRedis } from "../../support/redis-server.ts";
import { customer } from "../verify/sets.ts";
import { fillRedis, writeParquet } from "../verify/shop.ts";

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
    redis: { url: server.url },
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
  const nowhere = {
    redis: { url: "redis://127.0.0.1:1/0" },
    now: new Date(),
    offlineRoot,
    scratch: offlineRoot,
  };
  await expect(readEntities(customer, ["1"], nowhere)).rejects.toMatchObject({ exitCode: 3 });
});

describe("sets as of now", () => {
  const HOUR = 3_600_000;
  /** Orders of the last hour, by region and customer. */
  const recent: FeatureSet = {
    ...customer,
    name: "recent",
    entity: ["region", "customer_id"],
    source: {
      ...customer.source,
      columns: [
        ...customer.source.columns,
        { name: "region", type: { kind: "text" } },
        { name: "due", type: { kind: "date" } },
      ],
    },
    windows: [{ kind: "rolling", name: "1h", lengthMs: HOUR, granularityMs: HOUR / 12 }],
    features: [
      {
        name: "spend",
        description: "",
        type: { kind: "decimal", digits: 2 },
        kind: "aggregated",
        aggregate: "sum",
        column: "total_amount",
        window: "1h",
      },
      {
        name: "due",
        description: "",
        type: { kind: "date" },
        kind: "point_in_time",
        column: "due",
        window: "1h",
      },
      {
        name: "since",
        description: "",
        type: { kind: "timestamp" },
        kind: "aggregated",
        aggregate: "min",
        column: "created_at",
        window: "1h",
      },
    ],
  };
  const ENTITY = "e\\:u:7";
  const folder = () => path.join(offlineRoot, "recent_features");
  const show = async (now: string, entity = ENTITY) => {
    const options = { redis: { url: server.url }, now: new Date(now), offlineRoot, scratch: offlineRoot };
    return (await readEntities(recent, [entity], options))[0];
  };

  const row = (id: number, amount: string, time: string) =>
    `{'event_time': '2026-03-01T${time}Z'::TIMESTAMPTZ, 'keys': {'order_id': ${id}::BIGINT}, ` +
    `'values': {'created_at': '2026-03-01T${time}Z'::TIMESTAMPTZ, 'total_amount': ${amount}::DECIMAL(12,2), 'due': '2026-03-09'::DATE}}`;

  /** One container of an entity as a batch left it. */
  const writeBase = (batch: number, containers: { day: string; rows: string[]; region?: string }[]) =>
    writeParquet(
      path.join(folder(), "_rows", `${String(batch).padStart(20, "0")}.parquet`),
      containers
        .map(
          ({ day, rows, region = "e:u" }) =>
            `SELECT '${region}' AS region, 7::BIGINT AS customer_id, '${day}'::TIMESTAMPTZ AS container_start, ` +
            `${batch}::BIGINT AS batch_id, list_filter([${[row(0, "0", "00:00:00"), ...rows].join(", ")}], lambda x: x['keys']['order_id'] > 0) AS rows`,
        )
        .join(" UNION ALL "),
    );

  beforeEach(async () => {
    await rm(folder(), { recursive: true, force: true });
    for (const name of ["_rows", "_batches"]) await mkdir(path.join(folder(), name), { recursive: true });
    await writeFile(path.join(folder(), "_batches", `${"9".padStart(20, "0")}.json`), "{}");
    await redis.hset(
      `recent:${ENTITY}:features`,
      ...["spend", "12.50", "due", "2026-03-09", "_computed_at", "2026-03-01T10:02:00Z"],
      ...["_version", "9".padStart(20, "0")],
    );
  });

  test("what was computed in the same granule is shown as it is stored", async () => {
    await writeBase(9, [{ day: "2026-03-01", rows: [] }]);
    expect(await show("2026-03-01T10:04:59Z")).toEqual({
      entity: ENTITY,
      features: { spend: "12.50", due: "2026-03-09", since: null },
      asOf: "2026-03-01T10:04:59Z",
    });
  });

  test("later it is computed from the rows that the job keeps", async () => {
    await writeBase(8, [
      { day: "2026-03-01", rows: [row(1, "99.99", "09:30:00"), row(4, "1.00", "09:30:00")] },
    ]);
    // The newest batch of a container replaces the others; a row in two of them counts once, as it is newest.
    await writeBase(9, [
      {
        day: "2026-03-01",
        rows: [row(1, "2.50", "09:10:00"), row(2, "-0.05", "09:55:00.25"), row(3, "8.00", "10:30:00")],
      },
      { day: "2026-03-02", rows: [] },
      { day: "2026-03-01", rows: [row(1, "5.00", "09:55:00")], region: "other" },
    ]);
    await writeBase(7, [{ day: "2026-02-28", rows: [row(2, "7.00", "09:50:00")] }]);
    expect(await show("2026-03-01T10:06:00Z")).toEqual({
      entity: ENTITY,
      features: { spend: "2.45", due: "2026-03-09", since: "2026-03-01T09:10:00Z" },
      asOf: "2026-03-01T10:06:00Z",
    });
    expect(await show("2026-03-01T10:54:59Z")).toMatchObject({ features: { spend: "7.95" } });
    expect(await show("2026-03-01T11:30:00Z")).toEqual({
      entity: ENTITY,
      features: {},
      asOf: "2026-03-01T11:30:00Z",
    });
  });

  test("an entity that lost all its rows has nothing to show", async () => {
    await writeBase(9, [{ day: "2026-03-01", rows: [] }]);
    expect(await show("2026-03-01T10:06:00Z")).toEqual({
      entity: ENTITY,
      features: {},
      asOf: "2026-03-01T10:06:00Z",
    });
  });

  test("an entity that had nothing to show is computed, too", async () => {
    await writeBase(9, [{ day: "2026-03-01", rows: [row(1, "5.00", "09:55:00")], region: "new" }]);
    expect(await show("2026-03-01T10:06:00Z", "new:7")).toMatchObject({ features: { spend: "5.00" } });
    expect(await show("2026-03-01T10:06:00Z", "nobody:7")).toEqual({
      entity: "nobody:7",
      features: {},
      asOf: "2026-03-01T10:06:00Z",
    });
  });

  test.each<[string, () => Promise<unknown>]>([
    ["there are none", async () => {}],
    ["they do not know the entity", () => writeBase(9, [{ day: "2026-03-01", rows: [], region: "x" }])],
    [
      "Redis was written without them",
      async () => {
        await writeBase(9, [{ day: "2026-03-01", rows: [] }]);
        await redis.hset(`recent:${ENTITY}:features`, "_version", "10".padStart(20, "0"));
      },
    ],
  ])("where %s, it is as of when it was computed", async (_, prepare) => {
    await prepare();
    expect(await show("2026-03-01T10:06:00Z")).toEqual({
      entity: ENTITY,
      features: { spend: "12.50", due: "2026-03-09", since: null },
      asOf: "2026-03-01T10:02:00Z",
    });
  });
});
