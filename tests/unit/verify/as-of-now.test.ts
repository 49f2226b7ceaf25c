/** Sets as of now: what the stores hold is right as of a moment, and wrong or stale some time later. */
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { Redis } from "ioredis";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { FeatureSet } from "../../../src/definition/feature-set.ts";
import { startRedis, type TestRedis } from "../../support/redis-server.ts";
import { insert, type Order, verifyStores } from "./events.ts";
import { customer } from "./sets.ts";
import { type ManifestFields, writeManifest, writeParquet } from "./shop.ts";

const HOUR = 3_600_000;

const recent: FeatureSet = {
  ...customer,
  name: "recent",
  windows: [
    { kind: "rolling", name: "1h", lengthMs: HOUR, granularityMs: HOUR / 12 },
    { kind: "unbounded", name: "all" },
  ],
  features: [
    {
      name: "orders_1h",
      description: "",
      type: { kind: "bigint" },
      kind: "aggregated",
      aggregate: "count",
      window: "1h",
    },
    {
      name: "spend",
      description: "",
      type: { kind: "decimal", digits: 2 },
      kind: "aggregated",
      aggregate: "sum",
      column: "total_amount",
      window: "all",
    },
    {
      name: "latest_at",
      description: "",
      type: { kind: "timestamp" },
      kind: "aggregated",
      aggregate: "max",
      column: "created_at",
      window: "1h",
    },
  ],
};

const order = (order_id: number, customer_id: number, total_amount: string, time: string): Order => ({
  order_id,
  customer_id,
  total_amount,
  created_at: `2026-03-01T${time}Z`,
});

/** Customer 1 has three orders within the hour until 10:00, when the first leaves it; 2 has one, and 3 one of later. */
const LOG = [
  insert(1, order(1, 1, "2.00", "09:02:00")),
  insert(2, order(2, 1, "10.00", "09:30:00")),
  insert(3, order(3, 1, "5.00", "09:58:00.5")),
  insert(4, order(4, 2, "1.00", "09:40:00")),
  insert(5, order(5, 3, "7.00", "12:00:00")),
];
const BATCH = 5;
const VERSION = String(BATCH).padStart(20, "0");
const KEY = "recent:1:features";
const COMPANION = "{recent:1:features}:windows";
const SLOT = "000000000000";

const at = (time: string) => `2026-03-01T${time}Z`;

interface Shown {
  entity: number;
  orders: string;
  spend: string;
  latest?: string;
  event: string;
  /** End of the hour that is shown. */
  until: string;
  computed: string;
}

// Both as of 09:59, in the hour until 10:00.
const FIRST: Shown = {
  entity: 1,
  orders: "3",
  spend: "17.00",
  latest: "09:58:00.500000",
  event: "09:58:00.500000",
  until: "10:00:00",
  computed: "09:59:00",
};
const SECOND: Shown = {
  entity: 2,
  orders: "1",
  spend: "1.00",
  latest: "09:40:00",
  event: "09:40:00",
  until: "10:00:00",
  computed: "09:59:00",
};
/** Customer 1 as of 10:02, and 2 as of 10:46. */
const AGED: Shown = { ...FIRST, orders: "2", until: "10:05:00", computed: "10:02:00" };
const { latest: _, ...second } = SECOND;
const EMPTIED: Shown = { ...second, orders: "0", until: "10:50:00", computed: "10:46:00" };

let server: TestRedis;
let redis: Redis;
let root: string;
let folder: string;

beforeAll(async () => {
  server = await startRedis();
  redis = new Redis(server.url);
  root = await mkdtemp(path.join(os.tmpdir(), "cdc-features-as-of-now-"));
  folder = path.join(root, "recent_features");
}, 30_000);

afterAll(async () => {
  redis.disconnect();
  await server.stop();
  await rm(root, { recursive: true, force: true });
});

beforeEach(async () => {
  await redis.flushdb();
  await serve(FIRST);
  await serve(SECOND);
  await rm(folder, { recursive: true, force: true });
  await mkdir(path.join(folder, "_batches"), { recursive: true });
  await writeBatch([FIRST, SECOND]);
});

const startOf = (until: string) => new Date(Date.parse(at(until)) - HOUR).toISOString().replace(".000", "");

async function serve({ entity, orders, spend, latest, event, until, computed }: Shown, version = VERSION) {
  const fields = [
    ...["orders_1h", orders, "spend", spend],
    ...(latest === undefined ? [] : ["latest_at", at(latest)]),
    ...["_window_start", startOf(until), "_window_end", at(until), "_event_time", at(event)],
    ...["_computed_at", at(computed)],
  ];
  await redis.del(`recent:${entity}:features`);
  await redis.hset(`recent:${entity}:features`, ...fields, "_version", version);
  await redis.hset(`{recent:${entity}:features}:windows`, SLOT, `${version}|${JSON.stringify(fields)}`);
}

const DELETED = { orders: null, spend: null, event: null, until: null };
type Row = Shown | (Pick<Shown, "entity" | "computed"> & typeof DELETED & { latest?: string });

function selectOf(row: Row): string {
  const { entity, orders, spend, latest, event, until, computed } = row;
  const time = (text: string | null | undefined) => (text == null ? "NULL" : `'${at(text)}'`);
  return (
    `SELECT ${entity}::BIGINT AS customer_id, ${until === null ? "NULL" : `'${startOf(until)}'`}::TIMESTAMPTZ AS window_start, ` +
    `${time(until)}::TIMESTAMPTZ AS window_end, ${orders}::BIGINT AS orders_1h, ${spend}::DECIMAL(38,2) AS spend, ` +
    `${time(latest)}::TIMESTAMPTZ AS latest_at, ${time(event)}::TIMESTAMPTZ AS event_timestamp, ` +
    `${time(computed)}::TIMESTAMPTZ AS created_timestamp, ${BATCH}::BIGINT AS batch_id, ${orders === null} AS is_deleted`
  );
}

async function writeBatch(
  rows: Row[],
  name = VERSION,
  more: Pick<ManifestFields, "offsets" | "aged"> = { offsets: { "0": [0, BATCH] } },
) {
  const file = `${name}.parquet`;
  await writeParquet(path.join(folder, file), rows.map(selectOf).join(" UNION ALL "));
  await writeManifest(folder, BATCH, { file, rows: rows.length, ...more }, name);
}

/** What ageing writes: rows of the newest version, by the moment that they were made. */
async function writeAged(...rows: Row[]) {
  const micros = String(Date.parse(at(rows[0]?.computed ?? "")) * 1000).padStart(20, "0");
  await writeBatch(rows, `${VERSION}-${micros}`, { offsets: {}, aged: true });
}

const verify = (time: string, log = LOG) =>
  verifyStores(recent, { root, redisUrl: server.url }, log, { now: new Date(at(time)) });

async function found(time: string, log = LOG): Promise<string[]> {
  const { differences } = await verify(time, log);
  return differences.map(
    ({ entity, store, feature, kind }) => `${store} ${entity ?? "-"} ${feature ?? "*"} ${kind}`,
  );
}

describe("as of when they were computed", () => {
  test("values are right in the same granule", async () => {
    const report = await verify("09:59:30");
    expect(report.differences).toEqual([]);
    expect(report).toMatchObject({ expected: 2, online: 2, offline: 2 });
    // Online 8 fields and the companion, which customer 3 has none of; offline 3 features, 4 times, deletion.
    expect(report.checkedValues).toBe(2 * (8 + 1) + 1 + 2 * (3 + 5));
  });

  test("they may be some minutes behind", async () => {
    expect(await found("10:04:00")).toEqual([]);
    expect(await found("10:04:59")).toEqual([]);
  });

  test("then they are stale, and what time did not change is not", async () => {
    expect(await found("10:05:01")).toEqual([
      "online 1 orders_1h stale",
      "online 1 _window_start stale",
      "online 1 _window_end stale",
      "offline 1 orders_1h stale",
      "online 2 _window_start stale",
      "online 2 _window_end stale",
    ]);
    const [first] = (await verify("10:05:01")).differences;
    expect(first).toEqual({
      entity: "1",
      store: "online",
      feature: "orders_1h",
      expected: "2",
      actual: "3",
      because: "orders_1h was 3 when it was computed and is 2 now",
      kind: "stale",
    });
  });

  test("once aged they are right again", async () => {
    await serve(AGED);
    await serve({ ...SECOND, until: "10:05:00", computed: "10:02:00" });
    await writeAged(AGED);
    expect(await found("10:04:00")).toEqual([]);
    expect(await found("10:06:59")).toEqual([]);
  });

  test("a feature that became null is absent", async () => {
    const { latest: __, ...rest } = AGED;
    const later: Shown = { ...rest, orders: "0", until: "11:00:00", computed: "10:59:00" };
    await serve(later);
    await serve({ ...EMPTIED, until: "11:00:00", computed: "10:59:00" });
    await writeAged(later, EMPTIED);
    expect(await found("10:59:30")).toEqual([]);
    await redis.hset("recent:2:features", "latest_at", at("09:40:00"));
    expect(await found("10:59:30")).toEqual(["online 2 latest_at extra"]);
  });

  test("an aged row that was wrong when it was made", async () => {
    await writeAged({ ...AGED, orders: "3" });
    expect(await found("10:03:00")).toEqual(["offline 1 orders_1h different"]);
  });

  test("two rows that claim to be the newest", async () => {
    await writeBatch([FIRST, SECOND, SECOND]);
    expect(await found("09:59:30")).toEqual(["offline 2 * different"]);
  });
});

describe("entities that come and go with time", () => {
  test("one whose rows are all to come has no key, until they come", async () => {
    expect((await verify("11:59:59")).differences.filter(({ entity }) => entity === "3")).toEqual([]);
    expect((await verify("12:04:00")).differences.filter(({ entity }) => entity === "3")).toEqual([]);
    expect((await found("12:05:01")).filter((text) => text.includes(" 3 "))).toEqual([
      "online 3 * missing",
      "online 3 _windows missing",
      "offline 3 * missing",
    ]);
  });

  test("a row that says so makes it stale", async () => {
    await writeBatch([FIRST, SECOND, { entity: 3, computed: "09:59:00", ...DELETED }]);
    expect(await found("09:59:30")).toEqual([]);
    expect((await found("12:05:01")).filter((text) => text.includes(" 3 "))).toEqual([
      "online 3 * stale",
      "offline 3 * stale",
    ]);
  });

  test("one whose rows have all left the windows has none", async () => {
    const hour: FeatureSet = {
      ...recent,
      windows: recent.windows.slice(0, 1),
      features: recent.features.slice(0, 1),
    };
    const findings = async (time: string) =>
      (
        await verifyStores(hour, { root, redisUrl: server.url }, LOG, {
          now: new Date(at(time)),
          sink: "redis",
        })
      ).differences
        .filter(({ entity, feature }) => entity === "2" && feature === null)
        .map(({ kind }) => kind);
    for (const field of ["spend", "latest_at"]) await redis.hdel("recent:2:features", field);
    expect(await findings("10:39:59")).toEqual([]);
    expect(await findings("10:44:59")).toEqual([]);
    expect(await findings("10:50:00")).toEqual(["stale"]);
    await redis.hset("recent:2:features", "_computed_at", at("08:00:00"));
    expect(await findings("10:50:00")).toEqual(["extra"]);
  });
});

describe("what is wrong", () => {
  test.each<[string, () => Promise<unknown>, string[]]>([
    ["a value", () => redis.hset(KEY, "orders_1h", "4"), ["online 1 orders_1h different"]],
    [
      "a value that time will bring",
      () => redis.hset(KEY, "orders_1h", "2"),
      ["online 1 orders_1h different"],
    ],
    ["the window", () => redis.hset(KEY, "_window_end", at("10:05:00")), ["online 1 _window_end different"]],
    [
      "a time in another form",
      () => redis.hset(KEY, "latest_at", at("09:58:00.5")),
      ["online 1 latest_at different"],
    ],
    ["a key that is gone", () => redis.del(KEY), ["online 1 * missing"]],
    ["a companion that is gone", () => redis.del(COMPANION), ["online 1 _windows missing"]],
    [
      "a companion without values",
      () => redis.hset(COMPANION, SLOT, `${VERSION}|`),
      ["online 1 _windows missing"],
    ],
    [
      "a companion with other values",
      async () =>
        redis.hset(COMPANION, SLOT, ((await redis.hget(COMPANION, SLOT)) ?? "").replace('"3"', '"4"')),
      ["online 1 _windows different"],
    ],
    [
      "a companion with another window",
      () => redis.hset(COMPANION, "001772928000", `${VERSION}|`),
      ["online 1 _windows extra"],
    ],
    [
      "a version older than the batch",
      () => redis.hset(KEY, "_version", "4".padStart(20, "0")),
      ["online 1 _version different"],
    ],
    [
      "a version that the companion has not",
      () => redis.hset(KEY, "_version", "6".padStart(20, "0")),
      ["online 1 _version different"],
    ],
    ["no version", () => redis.hdel(KEY, "_version"), ["online 1 _version missing"]],
    [
      "a companion of an entity that never was",
      () => redis.hset("{recent:9:features}:windows", SLOT, `${VERSION}|["a","b"]`),
      ["online 9 _windows extra"],
    ],
    ["a key of an entity that never was", () => redis.copy(KEY, "recent:9:features"), ["online 9 * extra"]],
  ])("%s", async (_, corrupt, expected) => {
    await corrupt();
    expect(await found("09:59:30")).toEqual(expected);
  });

  test("a version that is newer than the batch is that of ageing", async () => {
    await serve(FIRST, "6".padStart(20, "0"));
    expect(await found("09:59:30")).toEqual([]);
  });

  test("an entity without rows may keep its version", async () => {
    await redis.hset("{recent:3:features}:windows", SLOT, `${VERSION}|`);
    expect(await found("09:59:30")).toEqual([]);
  });

  test("events that are not applied yet", async () => {
    const log = [...LOG, insert(6, order(6, 1, "1.00", "09:59:00"))];
    expect(await found("09:59:30", log)).toEqual([
      "online 1 orders_1h stale",
      "online 1 spend stale",
      "online 1 latest_at stale",
      "online 1 _event_time stale",
      "online 1 _windows stale",
      "offline 1 orders_1h stale",
      "offline 1 spend stale",
      "offline 1 latest_at stale",
      "offline 1 event_timestamp stale",
    ]);
  });
});

describe("files", () => {
  test("the base of ageing is the job's own", async () => {
    await mkdir(path.join(folder, "_rows"));
    await writeFile(path.join(folder, "_rows", "x.parquet"), "");
    expect(await found("09:59:30")).toEqual([]);
  });

  test("an aged manifest agrees with itself", async () => {
    const becauses = async (name: string, more: Pick<ManifestFields, "offsets" | "aged">) => {
      await writeBatch([AGED], name, more);
      const { differences } = await verify("10:03:00");
      return differences.filter(({ entity }) => entity === null).map(({ because }) => because);
    };
    const micros = String(Date.parse(at("10:02:00")) * 1000).padStart(20, "0");
    expect(await becauses(`${VERSION}-${micros}`, { offsets: {}, aged: true })).toEqual([]);
    expect(await becauses(`${VERSION}-${micros}`, { offsets: { "0": [0, 5] }, aged: true })).toEqual([
      `_batches/${VERSION}-${micros}.json says offsets, though ageing reads no events`,
    ]);
    await rm(path.join(folder, `${VERSION}-${micros}.parquet`));
    await rm(path.join(folder, "_batches", `${VERSION}-${micros}.json`));
    expect(
      (await becauses(`${"9".padStart(20, "0")}-${micros}`, { offsets: {}, aged: true })).join(),
    ).toContain("says batch 5, which is not its name");
  });
});
