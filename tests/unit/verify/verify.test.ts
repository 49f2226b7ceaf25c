import { cp, mkdtemp, readFile, rename, rm, truncate, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { Redis } from "ioredis";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { Difference } from "../../../src/verify/difference.ts";
import { type FeatureSetReport, reportOf } from "../../../src/verify/verify.ts";
import { startRedis, type TestRedis } from "../../support/redis-server.ts";
import { insert, verifyStores } from "./events.ts";
import { customer } from "./sets.ts";
import { fillParquet, fillRedis, LOG, NOW, writeManifest, writeParquet } from "./shop.ts";

const FIRST = "00000000000000000009";
const SECOND = "00000000000000000012";

let server: TestRedis;
let redis: Redis;
let root: string;
let folder: string;

beforeAll(async () => {
  server = await startRedis();
  redis = new Redis(server.url);
  root = await mkdtemp(path.join(os.tmpdir(), "cdc-features-verify-"));
  folder = path.join(root, "customer_features");
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

interface Variation {
  log?: Buffer[];
  now?: Date;
  sink?: "dual" | "redis" | "parquet";
  inStep?: boolean;
  realtime?: boolean;
}

function verify({ log = LOG, now = NOW, ...more }: Variation = {}): Promise<FeatureSetReport> {
  return verifyStores(customer, { root, redisUrl: server.url }, log, { now, ...more });
}

/** `online 1 total_spend_30d different`, with * for whole keys, rows and files. */
function shown({ entity, store, feature, kind }: Difference): string {
  return `${store} ${entity ?? "-"} ${feature ?? "*"} ${kind}`;
}

async function found(variation?: Variation): Promise<string[]> {
  return [...new Set((await verify(variation)).differences.map(shown))];
}

describe("where all is right", () => {
  test("nothing is found, and everything was looked at", async () => {
    const report = await verify();
    expect(report.differences).toEqual([]);
    expect(report).toMatchObject({ name: "customer", expected: 5, online: 5, offline: 5 });
    // Online 5 entities × 11 fields and 8 windows; offline 9 windows × 6 features and 3, and 7 event times.
    expect(report.checkedValues).toBe(5 * 11 + 8 + 9 * (6 + 3) + 7);
    expect(reportOf([report]).ok).toBe(true);
  });

  test.each(["redis", "parquet"] as const)("one store alone: %s", async (sink) => {
    if (sink === "redis") await rm(folder, { recursive: true });
    else await redis.flushdb();
    expect(await found({ sink })).toEqual([]);
  });

  test("stores that were written apart need not have the same versions", async () => {
    await redis.hset(KEY, "_version", SECOND);
    const windows = "{customer:2:features}:windows";
    const entry = (await redis.hget(windows, FEBRUARY_FIELD)) as string;
    await redis.hset(windows, FEBRUARY_FIELD, entry.replace(FIRST, SECOND));
    await redis.hset("customer:2:features", "_version", SECOND);
    expect(await found({ inStep: false })).toEqual([]);
    expect((await found()).sort()).toEqual(["online 2 _version different", "online 2 _windows different"]);
  });

  test("real-time mode has a version within the batch, the same in both hashes", async () => {
    const windows = "{customer:1:features}:windows";
    const write = async (features: number, companion = features) => {
      const digits = (position: number) => String(position).padStart(20, "0");
      const entry = (await redis.hget(windows, MARCH_FIELD)) as string;
      await redis.hset(windows, MARCH_FIELD, digits(companion) + entry.slice(20));
      await redis.hset(KEY, "_version", digits(features));
    };
    // The second batch is from 9 to 12.
    for (const position of [10, 12]) {
      await write(position);
      expect(await found({ realtime: true })).toEqual([]);
    }
    const both = ["online 1 _version different", "online 1 _windows different"];
    for (const position of [9, 13]) {
      await write(position);
      expect((await found({ realtime: true })).sort()).toEqual(both);
    }
    await write(10, 11);
    expect(await found({ realtime: true })).toEqual(["online 1 _version different"]);
    await write(10);
    expect((await found()).sort()).toEqual(both);
  });

  test("days of a moment ago are right at midnight", async () => {
    // All of Redis was computed at 09:00:00.5 on the 20th.
    const late = "2026-03-20T23:59:58Z";
    for (const key of await redis.keys("*windows")) {
      for (const [field, text] of Object.entries(await redis.hgetall(key)))
        await redis.hset(key, field, text.replace("2026-03-20T09:00:00.500000Z", late));
    }
    for (const key of await redis.keys("customer:*:features")) await redis.hset(key, "_computed_at", late);
    expect(await found({ now: new Date("2026-03-21T00:00:01Z") })).toEqual([]);
    expect(await found({ now: new Date("2026-03-21T00:10:00Z") })).toContain(
      "online 1 days_since_last_order stale",
    );
  });

  test("keys of others do not matter", async () => {
    await redis.set("customer_old:1:features", "x");
    await redis.hset("top:customer:1:features", "a", "b");
    await redis.hset("customer:1:other", "a", "b");
    expect(await found()).toEqual([]);
  });

  test("staged and unfinished files do not matter", async () => {
    await writeFile(path.join(folder, "_tmp.parquet"), "x");
    await writeFile(path.join(folder, ".00.parquet.crc"), "x");
    await writeFile(path.join(folder, "_batches", "_00.json.tmp"), "x");
    expect(await found()).toEqual([]);
  });
});

const KEY = "customer:1:features";
const WINDOWS = "{customer:4:features}:windows";
const FEBRUARY_FIELD = "001770336000";
const MARCH_FIELD = "001772928000";

describe("online corruptions", () => {
  test.each<[string, () => Promise<unknown>, string[]]>([
    [
      "a changed count",
      () => redis.hset(KEY, "order_count_30d", "3"),
      ["online 1 order_count_30d different"],
    ],
    [
      "a sum off by a cent",
      () => redis.hset(KEY, "total_spend_30d", "1100.11"),
      ["online 1 total_spend_30d different"],
    ],
    [
      "fewer digits",
      () => redis.hset(KEY, "total_spend_30d", "1100.1"),
      ["online 1 total_spend_30d different"],
    ],
    ["more digits", () => redis.hset(KEY, "order_count_30d", "2.0"), ["online 1 order_count_30d different"]],
    [
      "an exponent",
      () => redis.hset(KEY, "total_spend_30d", "1.1001e3"),
      ["online 1 total_spend_30d different"],
    ],
    [
      "a boolean in capitals",
      () => redis.hset(KEY, "is_high_value", "True"),
      ["online 1 is_high_value different"],
    ],
    [
      "a feature that is gone",
      () => redis.hdel(KEY, "avg_order_value_30d"),
      ["online 1 avg_order_value_30d missing"],
    ],
    ["an unknown field", () => redis.hset(KEY, "extra", "1"), ["online 1 extra extra"]],
    [
      "days that never were",
      () => redis.hset(KEY, "days_since_last_order", "5"),
      ["online 1 days_since_last_order different"],
    ],
    ["a key that is gone", () => redis.del(KEY), ["online 1 * missing"]],
    ["a key too many", () => redis.copy(KEY, "customer:99:features"), ["online 99 * extra"]],
    ["a key of a deleted entity", () => redis.copy(KEY, "customer:6:features"), ["online 6 * extra"]],
    ["a key of a final window", () => redis.copy(KEY, "customer:7:features"), ["online 7 * extra"]],
    [
      "a key of another type",
      async () => {
        await redis.del(KEY);
        await redis.set(KEY, "text");
      },
      ["online 1 * different"],
    ],
    [
      "a wrong window start",
      () => redis.hset(KEY, "_window_start", "2026-03-09T00:00:00Z"),
      ["online 1 _window_start different"],
    ],
    [
      "a wrong window end",
      () => redis.hset(KEY, "_window_end", "2026-04-07T00:00:00+00:00"),
      ["online 1 _window_end different"],
    ],
    [
      "an event time without its micros",
      () => redis.hset(KEY, "_event_time", "2026-03-20T01:02:03Z"),
      ["online 1 _event_time different"],
    ],
    [
      "a time of computing to come",
      () => redis.hset(KEY, "_computed_at", "2026-03-20T10:06:00Z"),
      ["online 1 _computed_at different"],
    ],
    [
      "a time of computing before the batch",
      () => redis.hset(KEY, "_computed_at", "2026-03-20T08:54:59Z"),
      ["online 1 _computed_at different"],
    ],
    [
      "a time of computing that the companion does not have",
      () => redis.hset(KEY, "_computed_at", "2026-03-20T09:30:00Z"),
      ["online 1 _computed_at different"],
    ],
    [
      "a time of computing before the batch in the companion",
      async () => {
        const entry = (await redis.hget(WINDOWS, FEBRUARY_FIELD)) as string;
        await redis.hset(WINDOWS, FEBRUARY_FIELD, entry.replace("2026-03-19T09", "2026-03-19T08"));
      },
      ["online 4 _windows different"],
    ],
    [
      "a version among a companion's values",
      async () => {
        const entry = (await redis.hget(WINDOWS, FEBRUARY_FIELD)) as string;
        await redis.hset(WINDOWS, FEBRUARY_FIELD, entry.replace("]", ',"_version","9"]'));
      },
      ["online 4 _windows different"],
    ],
    ["a key that expires", () => redis.expire(KEY, 1000), ["online 1 * extra"]],
    ["a companion that expires", () => redis.expire(WINDOWS, 1000), ["online 4 _windows extra"]],
    [
      "an emptied window that lost its version",
      () => redis.hdel("{customer:5:features}:windows", MARCH_FIELD),
      ["online 5 _windows missing"],
    ],
    [
      "an emptied window that never was, and would keep others out",
      () => redis.hset(WINDOWS, "001775520000", `${"9".repeat(20)}|`),
      ["online 4 _windows extra"],
    ],
    [
      "a time of computing that is none",
      () => redis.hset(KEY, "_computed_at", "yesterday"),
      ["online 1 _computed_at different"],
    ],
    ["no time of computing", () => redis.hdel(KEY, "_computed_at"), ["online 1 _computed_at missing"]],
    ["a short version", () => redis.hset(KEY, "_version", "12"), ["online 1 _version different"]],
    ["an older version", () => redis.hset(KEY, "_version", FIRST), ["online 1 _version different"]],
    ["no version", () => redis.hdel(KEY, "_version"), ["online 1 _version missing"]],
    ["a companion that is gone", () => redis.del(WINDOWS), ["online 4 _windows missing"]],
    ["a window that is gone", () => redis.hdel(WINDOWS, FEBRUARY_FIELD), ["online 4 _windows missing"]],
    [
      "a window too many",
      () => redis.hset(WINDOWS, "001775520000", `${SECOND}|["a","b"]`),
      ["online 4 _windows extra"],
    ],
    ["a window in no form", () => redis.hset(WINDOWS, MARCH_FIELD, "x"), ["online 4 _windows different"]],
    [
      "a window of an older batch",
      () => redis.hset(WINDOWS, MARCH_FIELD, `${"1".padStart(20, "0")}|`),
      ["online 4 _windows different"],
    ],
    [
      "a window without its values",
      () => redis.hset(WINDOWS, MARCH_FIELD, `${FIRST}|`),
      ["online 4 _windows missing"],
    ],
    [
      "a changed value in a window that is not served",
      async () => {
        const entry = (await redis.hget(WINDOWS, FEBRUARY_FIELD)) as string;
        await redis.hset(WINDOWS, FEBRUARY_FIELD, entry.replace('"20.00"', '"20.01"'));
      },
      ["online 4 _windows different"],
    ],
    [
      "values in a window that lost its rows",
      () => redis.hset("{customer:5:features}:windows", MARCH_FIELD, `${SECOND}|["a","b"]`),
      ["online 5 _windows extra"],
    ],
    [
      "a companion of another type",
      async () => {
        await redis.del(WINDOWS);
        await redis.lpush(WINDOWS, "x");
      },
      ["online 4 _windows different"],
    ],
    [
      "a flushed server",
      () => redis.flushdb(),
      [
        ...[1, 2, 4, 5, 3].flatMap((entity) => [
          `online ${entity} * missing`,
          `online ${entity} _windows missing`,
        ]),
        "online 6 _windows missing",
      ],
    ],
  ])("%s", async (_, corrupt, expected) => {
    await corrupt();
    expect((await found()).sort()).toEqual([...expected].sort());
  });

  test("two entities that changed places", async () => {
    await redis.rename("customer:2:features", "x");
    await redis.rename("customer:3:features", "customer:2:features");
    await redis.rename("x", "customer:3:features");
    const differences = await found();
    expect(differences).toContain("online 2 total_spend_30d different");
    expect(differences).toContain("online 3 total_spend_30d different");
  });

  test("a difference says what is wrong", async () => {
    await redis.hset(KEY, "total_spend_30d", "1100.1");
    expect((await verify()).differences).toEqual([
      {
        entity: "1",
        store: "online",
        feature: "total_spend_30d",
        expected: "1100.10",
        actual: "1100.1",
        because: "total_spend_30d is the right value in the wrong form: 1100.10 is written as 1100.1",
        kind: "different",
        window: "2026-03-08T00:00:00Z",
      },
    ]);
  });
});

/** Writes a batch's file again with some columns replaced, and the manifest that belongs to it unless told not to. */
async function rewrite(select: string, { manifest = true } = {}): Promise<void> {
  const file = path.join(folder, `${SECOND}.parquet`);
  await writeParquet(`${file}.new`, select.replaceAll("BATCH", `read_parquet('${file}')`));
  await rename(`${file}.new`, file);
  if (manifest)
    await writeManifest(folder, 12, { file: `${SECOND}.parquet`, rows: 3, offsets: { "0": [9, 12] } });
}

describe("offline corruptions, with manifests that agree", () => {
  const ofFirst = "CASE WHEN customer_id = 1 THEN";
  const replace = (column: string, value: string) =>
    rewrite(`SELECT * REPLACE (${ofFirst} ${value} ELSE ${column} END AS ${column}) FROM BATCH`);

  // What is wrong when the row before the newest is taken for it.
  const outdated = [
    "order_count_30d",
    "total_spend_30d",
    "avg_order_value_30d",
    "days_since_last_order",
    "is_high_value",
    "event_timestamp",
  ].map((feature) => `offline 1 ${feature} different`);

  test.each<[string, () => Promise<unknown>, string[]]>([
    [
      "a changed count",
      () => replace("order_count_30d", "3::BIGINT"),
      ["offline 1 order_count_30d different"],
    ],
    [
      "a sum off by a cent",
      () => replace("total_spend_30d", "1100.11::DECIMAL(22,2)"),
      ["offline 1 total_spend_30d different"],
    ],
    ["a null", () => replace("is_high_value", "NULL"), ["offline 1 is_high_value missing"]],
    [
      "wrong days",
      () => replace("days_since_last_order", "7::INTEGER"),
      ["offline 1 days_since_last_order different"],
    ],
    [
      "another event time",
      () => replace("event_timestamp", "event_timestamp - INTERVAL 1 MICROSECOND"),
      ["offline 1 event_timestamp different"],
    ],
    [
      "another window end",
      () => replace("window_end", "window_end + INTERVAL 1 DAY"),
      ["offline 1 window_end different"],
    ],
    [
      "a time of creation to come",
      () => replace("created_timestamp", "'2026-03-20T10:06:00Z'::TIMESTAMPTZ"),
      ["offline 1 created_timestamp different"],
    ],
    [
      "no time of creation",
      () => replace("created_timestamp", "NULL"),
      ["offline 1 created_timestamp missing"],
    ],
    ["a deletion that never was", () => replace("is_deleted", "true"), ["offline 1 is_deleted different"]],
    [
      "a deletion that was not noticed",
      () =>
        rewrite(
          "SELECT * REPLACE (CASE WHEN customer_id = 5 THEN false ELSE is_deleted END AS is_deleted) FROM BATCH",
        ),
      ["offline 5 is_deleted different"],
    ],
    [
      "another window",
      () => replace("window_start", "window_start - INTERVAL 30 DAY"),
      ["offline 1 * extra", ...outdated],
    ],
    ["another entity", () => replace("customer_id", "99::BIGINT"), ["offline 99 * extra", ...outdated]],
    [
      "a row twice",
      () => rewrite("SELECT * FROM BATCH UNION ALL SELECT * FROM BATCH WHERE customer_id = 1"),
      ["offline 1 * different"],
    ],
  ])("%s", async (_, corrupt, expected) => {
    await corrupt();
    const ofRows = (await verify()).differences.filter(
      ({ entity, store }) => store === "offline" && entity !== null,
    );
    expect(ofRows.map(shown).sort()).toEqual([...expected].sort());
  });
});

describe("files", () => {
  const first = () => path.join(folder, `${FIRST}.parquet`);
  const second = () => path.join(folder, `${SECOND}.parquet`);
  const becauses = async () =>
    (await verify()).differences.filter(({ entity }) => entity === null).map(({ because }) => because);

  test("a file that is gone", async () => {
    await rm(second());
    expect(await becauses()).toEqual([`${SECOND}.parquet is missing: batch 12 wrote it with 3 rows`]);
    expect(await found()).toContain("offline 1 total_spend_30d different");
    expect(await found()).toContain("offline - * missing");
  });

  test("all rows of an entity are gone with their file", async () => {
    await rm(first());
    expect(await found()).toContain("offline 7 * missing");
  });

  test("a file too many", async () => {
    await writeParquet(
      path.join(folder, `${"5".padStart(20, "0")}.parquet`),
      `SELECT * FROM read_parquet('${first()}') LIMIT 0`,
    );
    expect(await becauses()).toEqual([`${"5".padStart(20, "0")}.parquet is in no manifest`]);
  });

  test("files and folders that readers of the folder would take", async () => {
    await writeFile(path.join(folder, "part-00000"), "x");
    await cp(first(), path.join(folder, "more", "a.parquet"));
    expect(await becauses()).toEqual(["more is no file of the job's", "part-00000 is no file of the job's"]);
  });

  test("a file that was cut off", async () => {
    await truncate(second(), 200);
    const [unreadable, bytes, sum] = await becauses();
    expect(unreadable).toMatch(`${SECOND}.parquet cannot be used: `);
    expect(bytes).toMatch(/has bytes 200, its manifest says \d+/);
    expect(sum).toMatch(/has SHA-256 [0-9a-f]{64}, its manifest says [0-9a-f]{64}/);
  });

  test("a file that is no Parquet", async () => {
    await writeFile(second(), "x".repeat(5_000));
    expect(await becauses()).toEqual(expect.arrayContaining([expect.stringContaining("cannot be used")]));
  });

  test("a flipped bit in a page", async () => {
    const content = await readFile(second());
    content[40] = (content[40] as number) ^ 1;
    await writeFile(second(), content);
    expect(await becauses()).toEqual(expect.arrayContaining([expect.stringContaining("SHA-256")]));
  });

  test("a row less, or one changed, where the manifest was left alone", async () => {
    await rewrite("SELECT * FROM BATCH WHERE customer_id <> 6", { manifest: false });
    expect(await becauses()).toEqual(
      expect.arrayContaining([`${SECOND}.parquet has rows 2, its manifest says 3`]),
    );
  });

  test.each([
    [
      "money as a float",
      "SELECT * REPLACE (total_spend_30d::DOUBLE AS total_spend_30d) FROM BATCH",
      "its column total_spend_30d has type DOUBLE instead of DECIMAL(*,2)",
    ],
    [
      "a column that is gone",
      "SELECT * EXCLUDE (is_high_value) FROM BATCH",
      "it has no column is_high_value",
    ],
  ])("%s", async (_, select, because) => {
    await rewrite(select);
    expect(await becauses()).toEqual([`${SECOND}.parquet cannot be used: ${because}`]);
  });

  test("a manifest that is gone", async () => {
    await rm(path.join(folder, "_batches", `${FIRST}.json`));
    expect(await becauses()).toEqual([
      `${FIRST}.parquet is in no manifest`,
      `_batches/${SECOND}.json begins at offset 9 of partition 0, and no manifest covers what is before`,
    ]);
  });

  test("a manifest that is none", async () => {
    await writeFile(path.join(folder, "_batches", `${FIRST}.json`), "{}");
    expect(await becauses()).toEqual(
      expect.arrayContaining([expect.stringContaining(`_batches/${FIRST}.json is no manifest`)]),
    );
  });

  test("batches of a checkpoint that was rebuilt are passed over", async () => {
    await writeManifest(folder, 12, { file: `${SECOND}.parquet`, rows: 3, offsets: { "0": [0, 12] } });
    expect(await becauses()).toEqual([]);
  });

  test("a final window that the other mode's checkpoint computed has what was late for the chain", async () => {
    const late = { order_id: 11, customer_id: 7, total_amount: "1.00", created_at: "2025-12-21T00:00:00Z" };
    const log = [...LOG, insert(22, late), insert(23, { ...late, order_id: 12 })];
    // What was late for the chain was the first batch of the other one, up to the first of the two.
    await writeManifest(folder, 14, { file: null, rows: 0, offsets: { "0": [12, 14] } });
    const other = path.join(folder, "00000000000000000013.parquet");
    const write = async (spend: string) => {
      const values = `2::BIGINT AS order_count_30d, ${spend}::DECIMAL(22,2) AS total_spend_30d, (${spend} / 2)::DECIMAL(38,2)
        AS avg_order_value_30d, 88::INTEGER AS days_since_last_order, '2025-12-21T00:00:00Z'::TIMESTAMPTZ AS event_timestamp,
        13::BIGINT AS batch_id`;
      const first = `read_parquet('${path.join(folder, `${FIRST}.parquet`)}')`;
      await writeParquet(other, `SELECT * REPLACE (${values}) FROM ${first} WHERE customer_id = 7`);
      await writeManifest(folder, 13, { file: path.basename(other), rows: 1, offsets: { "0": [0, 13] } });
    };
    await write("51.00");
    expect(await found({ log })).toEqual([]);
    await write("52.00");
    const wrong = ["total_spend_30d", "avg_order_value_30d"].map((name) => `offline 7 ${name} different`);
    expect(await found({ log })).toEqual(wrong);
  });

  test("no folder at all", async () => {
    await rm(folder, { recursive: true });
    expect((await found()).filter((one) => one.startsWith("offline"))).toEqual(
      [1, 2, 3, 4, 5, 7].map((entity) => `offline ${entity} * missing`),
    );
  });
});

describe("stale", () => {
  test("yesterday's days, and what derives from them, are stale; nothing else is", async () => {
    const differences = await found({ now: new Date("2026-03-23T08:00:00Z") });
    // The order of 9 March is two weeks old by then.
    expect(differences.sort()).toEqual(
      [
        ...[1, 2, 3, 4, 5].map((entity) => `online ${entity} days_since_last_order stale`),
        "online 4 is_lapsed stale",
      ].sort(),
    );
  });

  test("events that the job has not applied yet", async () => {
    const log = [
      ...LOG,
      insert(22, { order_id: 11, customer_id: 2, total_amount: "1.00", created_at: "2026-03-20T09:30:00Z" }),
      insert(23, { order_id: 12, customer_id: 8, total_amount: "1.00", created_at: "2026-03-20T09:30:00Z" }),
    ];
    await redis.hset(KEY, "order_count_30d", "3");
    await redis.hset("customer:2:features", "total_spend_30d", "99.00");
    const differences = await found({ log });
    expect(differences).toContain("online 8 * stale");
    expect(differences).toContain("online 8 _windows stale");
    expect(differences).toContain("online 2 _window_start stale");
    expect(differences).toContain("online 2 total_spend_30d different");
    expect(differences).toContain("offline 8 * stale");
    expect(differences).toContain("offline 2 * stale");
    expect(differences.filter((one) => !one.endsWith("stale")).sort()).toEqual([
      "online 1 order_count_30d different",
      "online 2 total_spend_30d different",
    ]);
  });
});
