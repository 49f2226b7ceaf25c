/** A change log and the two stores as a faultless job leaves them, all written by hand. */
import { createHash } from "node:crypto";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { DuckDBInstance } from "@duckdb/node-api";
import type { Redis } from "ioredis";
import { insert, type Order, remove } from "./events.ts";

/** A Friday; the windows of 30 days are 2026-02-06 to 03-08 and 03-08 to 04-07. */
export const NOW = new Date("2026-03-20T10:00:00Z");

const FEBRUARY = "2026-02-06T00:00:00Z";
const MARCH = "2026-03-08T00:00:00Z";
const APRIL = "2026-04-07T00:00:00Z";
const DECEMBER = "2025-12-08T00:00:00Z";
const JANUARY = "2026-01-07T00:00:00Z";

const order = (order_id: number, customer_id: number, total_amount: string, created_at: string): Order => ({
  order_id,
  customer_id,
  total_amount,
  created_at,
});

const fifth = order(6, 5, "9.99", "2026-03-11T00:00:00Z");
const sixth = order(8, 6, "1.00", "2026-03-01T00:00:00Z");

export const LOG: Buffer[] = [
  insert(10, order(1, 1, "600.00", "2026-03-10T12:00:00Z")),
  insert(11, order(2, 2, "100.00", "2026-03-04T08:30:00.25Z")),
  insert(12, order(3, 4, "20.00", "2026-02-10T00:00:00Z")),
  insert(13, order(4, 4, "30.005".slice(0, 5), "2026-03-09T00:00:00Z")),
  insert(14, order(5, 5, "1.01", "2026-02-20T00:00:00Z")),
  insert(15, fifth),
  insert(16, order(7, 7, "50.00", "2025-12-20T00:00:00Z")),
  insert(17, sixth),
  insert(18, order(9, 3, "-0.50", "2026-03-18T23:00:00Z")),
  // The second batch.
  insert(19, order(10, 1, "500.10", "2026-03-20T01:02:03.000004Z")),
  remove(20, fifth),
  remove(21, sixth),
];

/** Ends of the two batches: their ids too, since the topic has one partition. */
const FIRST = 9;
const SECOND = 12;

const COMPUTED = { [FIRST]: "2026-03-19T09:00:00Z", [SECOND]: "2026-03-20T09:00:00.500000Z" };

interface WindowRow {
  entity: number;
  batch: typeof FIRST | typeof SECOND;
  start: string;
  end: string;
  /** Count, sum, average, days, high value, lapsed; days as of the batch. Undefined for a deleted window. */
  features?: [string, string, string, string, string, string];
  event?: string;
}

const ROWS: WindowRow[] = [
  {
    entity: 1,
    batch: FIRST,
    start: MARCH,
    end: APRIL,
    features: ["1", "600.00", "600.00", "9", "false", "false"],
    event: "2026-03-10T12:00:00Z",
  },
  {
    entity: 2,
    batch: FIRST,
    start: FEBRUARY,
    end: MARCH,
    features: ["1", "100.00", "100.00", "15", "false", "true"],
    event: "2026-03-04T08:30:00.250000Z",
  },
  {
    entity: 3,
    batch: FIRST,
    start: MARCH,
    end: APRIL,
    features: ["1", "-0.50", "-0.50", "1", "false", "false"],
    event: "2026-03-18T23:00:00Z",
  },
  {
    entity: 4,
    batch: FIRST,
    start: FEBRUARY,
    end: MARCH,
    features: ["1", "20.00", "20.00", "37", "false", "true"],
    event: "2026-02-10T00:00:00Z",
  },
  {
    entity: 4,
    batch: FIRST,
    start: MARCH,
    end: APRIL,
    features: ["1", "30.00", "30.00", "10", "false", "false"],
    event: "2026-03-09T00:00:00Z",
  },
  {
    entity: 5,
    batch: FIRST,
    start: FEBRUARY,
    end: MARCH,
    features: ["1", "1.01", "1.01", "27", "false", "true"],
    event: "2026-02-20T00:00:00Z",
  },
  {
    entity: 5,
    batch: FIRST,
    start: MARCH,
    end: APRIL,
    features: ["1", "9.99", "9.99", "8", "false", "false"],
    event: "2026-03-11T00:00:00Z",
  },
  {
    entity: 6,
    batch: FIRST,
    start: FEBRUARY,
    end: MARCH,
    features: ["1", "1.00", "1.00", "18", "false", "true"],
    event: "2026-03-01T00:00:00Z",
  },
  {
    entity: 7,
    batch: FIRST,
    start: DECEMBER,
    end: JANUARY,
    features: ["1", "50.00", "50.00", "89", "false", "true"],
    event: "2025-12-20T00:00:00Z",
  },
  {
    entity: 1,
    batch: SECOND,
    start: MARCH,
    end: APRIL,
    features: ["2", "1100.10", "550.05", "0", "true", "false"],
    event: "2026-03-20T01:02:03.000004Z",
  },
  { entity: 5, batch: SECOND, start: MARCH, end: APRIL },
  { entity: 6, batch: SECOND, start: FEBRUARY, end: MARCH },
];

export const NAMES = [
  "order_count_30d",
  "total_spend_30d",
  "avg_order_value_30d",
  "days_since_last_order",
  "is_high_value",
  "is_lapsed",
];

/** What is shown online per entity, refreshed on the day of the second batch. */
const SERVED: [WindowRow | undefined, days: string][] = [
  [ROWS[9], "0"],
  [ROWS[1], "16"],
  [ROWS[2], "2"],
  [ROWS[4], "11"],
  [ROWS[5], "28"],
];

/** Windows that the companion hashes hold beside those: served before, or emptied. */
const BESIDE = [ROWS[3], ROWS[10], ROWS[11]];

const digits = (version: number): string => String(version).padStart(20, "0");

export async function fillRedis(redis: Redis): Promise<void> {
  await redis.flushdb();
  for (const [row, days] of SERVED) {
    if (row?.features === undefined) throw new Error("a served window has features");
    const fields = fieldsOf(row, COMPUTED[SECOND] as string, days);
    await redis.hset(`customer:${row.entity}:features`, ...fields, "_version", digits(row.batch));
    await redis.hset(
      `{customer:${row.entity}:features}:windows`,
      windowField(row),
      `${digits(row.batch)}|${JSON.stringify(fields)}`,
    );
  }
  for (const row of BESIDE as WindowRow[]) {
    const values =
      row.features === undefined ? "" : JSON.stringify(fieldsOf(row, COMPUTED[row.batch] as string));
    await redis.hset(
      `{customer:${row.entity}:features}:windows`,
      windowField(row),
      `${digits(row.batch)}|${values}`,
    );
  }
}

function fieldsOf(
  { start, end, event, features }: WindowRow,
  computedAt: string,
  days = features?.[3],
): string[] {
  const values = (features ?? []).map((value, i) => (i === 3 ? (days as string) : value));
  // Entity 4's order of 9 March is 11 days old on the 20th, below the 14 of "lapsed", as on the day before.
  const flat = NAMES.flatMap((name, i) => [name, values[i] as string]);
  return [
    ...flat,
    "_window_start",
    start,
    "_window_end",
    end,
    "_event_time",
    event as string,
    "_computed_at",
    computedAt,
  ];
}

function windowField({ start }: WindowRow): string {
  return String(Date.parse(start) / 1000).padStart(12, "0");
}

export async function fillParquet(root: string): Promise<void> {
  const folder = path.join(root, "customer_features");
  await rm(folder, { recursive: true, force: true });
  await mkdir(path.join(folder, "_batches"), { recursive: true });
  await writeBatch(folder, FIRST, 0);
  await writeBatch(folder, SECOND, FIRST);
}

/** As if a rule had kept the second batch's row of customer 1 from both stores; with other values, by their number. */
export async function holdBack(
  redis: Redis,
  root: string,
  rules: string[],
  others: Record<number, string> = {},
): Promise<void> {
  const [before, held] = [ROWS[0], ROWS[9]] as [WindowRow, WindowRow];
  // Refreshed on the day of the second batch.
  const fields = fieldsOf(before, COMPUTED[SECOND] as string, "10");
  await redis.del("customer:1:features");
  await redis.hset("customer:1:features", ...fields, "_version", digits(FIRST));
  const entry = `${digits(FIRST)}|${JSON.stringify(fields)}`;
  await redis.hset("{customer:1:features}:windows", windowField(before), entry);
  const folder = path.join(root, "customer_features");
  const written = ROWS.filter((row) => row.batch === SECOND && row !== held);
  const file = `${digits(SECOND)}.parquet`;
  await writeParquet(path.join(folder, file), written.map(selectOf).join(" UNION ALL "));
  await writeManifest(folder, SECOND, { file, rows: written.length, offsets: { "0": [FIRST, SECOND] } });
  await mkdir(path.join(folder, "_quarantine"), { recursive: true });
  const list = `[${rules.map((rule) => `'${rule}'`).join(", ")}]::VARCHAR[]`;
  const features = held.features?.map((value, i) => others[i] ?? value) as WindowRow["features"];
  const row = `${selectOf({ ...held, ...(features && { features }) })}, ${list} AS rules, ${list} AS reasons`;
  await writeParquet(path.join(folder, "_quarantine", file), row);
}

async function writeBatch(folder: string, batch: number, startOffset: number): Promise<void> {
  const rows = ROWS.filter((row) => row.batch === batch);
  const file = `${digits(batch)}.parquet`;
  await writeParquet(path.join(folder, file), rows.map(selectOf).join(" UNION ALL "));
  await writeManifest(folder, batch, { file, rows: rows.length, offsets: { "0": [startOffset, batch] } });
}

function selectOf({ entity, batch, start, end, features, event }: WindowRow): string {
  const types = ["BIGINT", "DECIMAL(22,2)", "DECIMAL(38,2)", "INTEGER", "BOOLEAN", "BOOLEAN"];
  const time = (text: string | undefined): string => (text === undefined ? "NULL" : `'${text}'`);
  const values = NAMES.map(
    (name, i) => `${features === undefined ? "NULL" : `'${features[i]}'`}::${types[i]} AS ${name}`,
  );
  return (
    `SELECT ${entity}::BIGINT AS customer_id, '${start}'::TIMESTAMPTZ AS window_start, '${end}'::TIMESTAMPTZ AS window_end, ` +
    `${values.join(", ")}, ${time(event)}::TIMESTAMPTZ AS event_timestamp, '${COMPUTED[batch]}'::TIMESTAMPTZ AS created_timestamp, ` +
    `${batch}::BIGINT AS batch_id, ${features === undefined} AS is_deleted`
  );
}

/** Runs a SELECT and puts its result into a Parquet file. */
export async function writeParquet(file: string, select: string): Promise<void> {
  const instance = await DuckDBInstance.create(":memory:");
  const connection = await instance.connect();
  try {
    await connection.run("SET TimeZone = 'UTC'");
    await connection.run(`COPY (${select}) TO '${file}' (FORMAT parquet)`);
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
}

export interface ManifestFields {
  file: string | null;
  rows: number;
  offsets: Record<string, [number, number]>;
  aged?: boolean;
}

/** With size and checksum of the file as it is. */
export async function writeManifest(
  folder: string,
  batch: number,
  fields: ManifestFields,
  name = digits(batch),
): Promise<void> {
  const content = fields.file === null ? undefined : await readFile(path.join(folder, fields.file));
  const manifest = {
    batch_id: batch,
    ...fields,
    bytes: content?.length ?? 0,
    sha256: content === undefined ? null : createHash("sha256").update(content).digest("hex"),
    watermark_ms: 0,
  };
  await writeFile(path.join(folder, "_batches", `${name}.json`), JSON.stringify(manifest));
}
