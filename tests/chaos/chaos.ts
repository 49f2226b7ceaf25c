/**
 * Random SQL, and everything that may go wrong on its way to the features, on the embedded stack; then SQL over the source beside
 * Redis, the newest Parquet rows and `verify`. Ends with 0 differences, or with exit code 1 and the folder left as it is.
 *
 *   npx tsx tests/chaos/chaos.ts [--seed 1] [--rounds 20] [--statements 300]
 *
 * A round is a burst of SQL, some disturbances, and a run of both sets, which is often killed (kill -9) at a random moment.
 */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { Redis } from "ioredis";
import type pg from "pg";
import { rowsOf, withDuckDb } from "../../src/platform/duckdb.ts";
import { clientOf } from "../../src/platform/kafka.ts";
import { withPostgres } from "../../src/platform/postgres.ts";
import { randomFrom } from "../../src/stack/demo-shop/random.ts";
import { type CliResult, cli, startCli } from "../e2e/support/cli.ts";

const options = parseArgs({
  options: {
    seed: { type: "string", default: "1" },
    rounds: { type: "string", default: "20" },
    statements: { type: "string", default: "300" },
  },
}).values;
const [ROUNDS, STATEMENTS] = [Number(options.rounds), Number(options.statements)];
const TOPIC = "shop.public.orders";
const CUSTOMERS = 60;

const ROLLING = `name: lately
description: The last day and the last thirty
entity: customer_id
source:
  table: public.orders
  primary_key: order_id
  event_time: created_at
  columns: { order_id: bigint, customer_id: bigint, total_amount: "decimal(12,2)", created_at: timestamp }
windows:
  1d: { type: rolling, length: 1 day, granularity: 1 hour }
  30d: { type: rolling, length: 30 days, granularity: 1 hour }
watermark: 1 hour
features:
  orders_1d: { kind: aggregated, aggregate: count, window: 1d }
  spend_1d: { kind: aggregated, aggregate: sum, column: total_amount, window: 1d }
  orders_30d: { kind: aggregated, aggregate: count, window: 30d }
  largest_30d: { kind: aggregated, aggregate: max, column: total_amount, window: 30d }
`;

/** Customer, and its values in the order of the query; a null as "". */
const EXPECTED = {
  customer: `
    WITH w AS (
      SELECT customer_id, floor(extract(epoch FROM created_at) / 2592000) AS w, total_amount
      FROM orders WHERE customer_id IS NOT NULL)
    SELECT customer_id::text, count(*)::text, coalesce(sum(total_amount)::text, '')
    FROM w WHERE w = (SELECT max(w) FROM w AS latest WHERE latest.customer_id = w.customer_id)
    GROUP BY customer_id`,
  lately: `
    WITH until AS (SELECT date_trunc('hour', now()) + interval '1 hour' AS t),
    r AS (SELECT o.*, created_at >= t - interval '1 day' AS d FROM orders o, until
          WHERE customer_id IS NOT NULL AND created_at >= t - interval '30 days' AND created_at < t)
    SELECT customer_id::text, (count(*) FILTER (WHERE d))::text, coalesce((sum(total_amount) FILTER (WHERE d))::text, ''),
      count(*)::text, coalesce(max(total_amount)::text, '')
    FROM r GROUP BY customer_id`,
};
const FEATURES = {
  customer: ["order_count_30d", "total_spend_30d"],
  lately: ["orders_1d", "spend_1d", "orders_30d", "largest_30d"],
};
type SetName = keyof typeof FEATURES;
const SETS = Object.keys(FEATURES) as SetName[];

const random = randomFrom(Number(options.seed));
const below = (n: number) => random.integer(0, n - 1);
const happens = random.chance;

const folder = mkdtempSync(path.join(os.tmpdir(), "cdc-features-chaos-"));
const counts = {
  kills: 0,
  connectorRestarts: 0,
  connectKills: 0,
  duplicates: 0,
  malformed: 0,
  flushed: 0,
  statements: 0,
};
const say = (text: string) => console.log(`${new Date().toISOString().slice(11, 19)} ${text}`);

function sql(): string {
  const customer = () => 1 + below(CUSTOMERS);
  const order = "(SELECT order_id FROM orders ORDER BY random() LIMIT 1)";
  const at = () => `now() - interval '${below(20 * 86_400)} seconds'`;
  const pick = random.next();
  counts.statements += 1;
  if (pick < 0.45)
    return `INSERT INTO orders (customer_id, product_id, total_amount, created_at)
      VALUES (${happens(0.03) ? "NULL" : customer()}, 1, ${happens(0.05) ? "NULL" : below(100_000) / 100}, ${at()})`;
  if (pick < 0.6) return `UPDATE orders SET total_amount = ${below(100_000) / 100} WHERE order_id = ${order}`;
  if (pick < 0.7) return `UPDATE orders SET customer_id = ${customer()} WHERE order_id = ${order}`;
  if (pick < 0.76) return `UPDATE orders SET created_at = ${at()} WHERE order_id = ${order}`;
  if (pick < 0.82)
    return `UPDATE orders SET order_id = (SELECT max(order_id) + ${1_000 + below(1_000_000)} FROM orders) WHERE order_id = ${order}`;
  if (pick < 0.95) return `DELETE FROM orders WHERE order_id = ${order}`;
  if (pick < 0.98)
    return `UPDATE orders SET total_amount = total_amount + 1, updated_at = now() WHERE customer_id = ${customer()}`;
  return `DELETE FROM orders WHERE customer_id = ${customer()}`;
}

/** A long transaction is open while others come and go; some are rolled back. */
async function burst(url: string): Promise<void> {
  await withPostgres(url, (long) => withPostgres(url, (short) => interleaved(long, short)));
}

async function interleaved(long: pg.Client, short: pg.Client): Promise<void> {
  // Whom the other has locked is left alone.
  for (const client of [long, short]) await client.query("SET lock_timeout = '50ms'");
  const attempt = (client: pg.Client, text: string) =>
    client.query(`SAVEPOINT one; ${text}; RELEASE one`).catch(() => client.query("ROLLBACK TO one"));
  await long.query("BEGIN");
  for (let i = 0; i < STATEMENTS; ) {
    await short.query("BEGIN");
    for (let n = 1 + below(10); n > 0; n -= 1, i += 1) await attempt(short, sql());
    await short.query(happens(0.1) ? "ROLLBACK" : "COMMIT");
    if (happens(0.5)) await attempt(long, sql());
    if (happens(0.1)) await long.query("COMMIT; BEGIN");
  }
  await long.query("COMMIT");
}

/** The topic's newest records once more, as they are; and some that are no events. */
async function sendAgain(brokers: string): Promise<void> {
  const kafka = clientOf({ brokers });
  const [admin, producer] = [kafka.admin(), kafka.producer()];
  await Promise.all([admin.connect(), producer.connect()]);
  const consumer = kafka.consumer({ groupId: `chaos-${Date.now()}` });
  try {
    const offsets = await admin.fetchTopicOffsets(TOPIC);
    const wanted = 1 + below(200);
    const due = new Set(offsets.filter(({ low, high }) => low < high).map(({ partition }) => partition));
    if (due.size === 0) return;
    const again: { partition: number; key: Buffer | null; value: Buffer | null }[] = [];
    await consumer.connect();
    await consumer.subscribe({ topic: TOPIC });
    await new Promise<void>((resolve, reject) => {
      consumer
        .run({
          eachMessage: async ({ partition, message }) => {
            again.push({ partition, key: message.key, value: message.value });
            const high = Number(offsets.find((one) => one.partition === partition)?.high);
            if (Number(message.offset) >= high - 1) due.delete(partition);
            if (due.size === 0) resolve();
          },
        })
        .catch(reject);
      for (const { partition, low, high } of offsets)
        consumer.seek({
          topic: TOPIC,
          partition,
          offset: String(Math.max(Number(low), Number(high) - wanted)),
        });
    });
    await producer.send({ topic: TOPIC, messages: again });
    counts.duplicates += again.length;
    const malformed = [
      "{",
      "[]",
      '{"op":"u"}',
      '{"op":"q","source":{"schema":"public","table":"orders"}}',
      "7 8",
    ];
    const messages = malformed.slice(0, 1 + below(malformed.length)).map((value) => ({ value }));
    await producer.send({ topic: TOPIC, messages });
    counts.malformed += messages.length;
  } finally {
    await Promise.all([consumer.disconnect(), admin.disconnect(), producer.disconnect()]);
  }
}

async function disturb({ kafka, connect, redis }: Endpoints): Promise<void> {
  if (happens(0.35)) {
    const [name] = (await (await fetch(`${connect}/connectors`)).json()) as string[];
    await fetch(`${connect}/connectors/${name}/restart?includeTasks=true`, { method: "POST" });
    counts.connectorRestarts += 1;
  }
  if (happens(0.15)) {
    const { servers } = JSON.parse((await cli(folder, ["status", "--json"])).stdout);
    process.kill(servers.find(({ name }: { name: string }) => name === "connect").pid, "SIGKILL");
    counts.connectKills += 1;
  }
  if (happens(0.5)) await sendAgain(kafka);
  if (happens(0.4)) {
    const client = new Redis(redis);
    for (const set of SETS) {
      for (let n = 5; n > 0; n -= 1) {
        const key = `${set}:${1 + below(CUSTOMERS)}:features`;
        counts.flushed += await client.del(key, ...(happens(0.5) ? [`{${key}}:windows`] : []));
      }
    }
    client.disconnect();
  }
}

/** Kills the jobs of this project, and no other's. */
function killJobs(): void {
  for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
    try {
      const command = readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ");
      const inProject =
        command.includes(folder) || readFileSync(`/proc/${pid}/environ`, "utf8").includes(folder);
      if (inProject && command.includes("SparkSubmit")) process.kill(Number(pid), "SIGKILL");
    } catch {
      // It has ended, or is not ours to look at.
    }
  }
}

async function runSets(): Promise<CliResult> {
  return cli(folder, ["run", ...SETS, "--json"]);
}

interface Endpoints {
  postgres: string;
  kafka: string;
  connect: string;
  redis: string;
  offline: string;
}

async function up(): Promise<Endpoints> {
  const { exitCode, stdout, stderr } = await cli(folder, ["up", "--no-demo-data", "--json"]);
  if (exitCode !== 0) throw new Error(`up: ${stderr}`);
  return JSON.parse(stdout).endpoints;
}

/** How long the newest run took that came to its end; the first does. */
let runMs: number | undefined;

async function round(number: number): Promise<void> {
  const endpoints = await up();
  await burst(endpoints.postgres);
  await disturb(endpoints);
  await up();
  const run = startCli(folder, ["run", ...SETS, "--json"]);
  if (runMs === undefined || !happens(0.8)) {
    const started = Date.now();
    const { exitCode, stderr } = await run;
    if (exitCode !== 0) throw new Error(`run: ${stderr}`);
    runMs = Date.now() - started;
    say(`round ${number}: ran for ${(runMs / 1000).toFixed(1)} s`);
    return;
  }
  // Spark starts for a third of the time, and nothing happens.
  const afterMs = runMs * (0.3 + 0.75 * random.next());
  const ended = await Promise.race([run.then(() => true), sleep(afterMs, false)]);
  if (ended) return say(`round ${number}: ran before it could be killed`);
  // Half the time only the job, so that its command sees it die.
  if (happens(0.5)) run.kill("SIGKILL");
  killJobs();
  counts.kills += 1;
  await run;
  say(`round ${number}: killed after ${(afterMs / 1000).toFixed(1)} s`);
}

async function expected(url: string, set: SetName): Promise<Map<string, string>> {
  const { rows } = await withPostgres(url, (client) =>
    client.query({ text: EXPECTED[set], rowMode: "array" }),
  );
  return new Map((rows as string[][]).map(([customer, ...values]) => [customer as string, values.join(" ")]));
}

async function online(url: string, set: SetName): Promise<Map<string, string>> {
  const client = new Redis(url);
  const found = new Map<string, string>();
  for (const key of await client.keys(`${set}:*:features`)) {
    const values = await client.hmget(key, ...FEATURES[set]);
    found.set(key.split(":")[1] as string, values.map((value) => value ?? "").join(" "));
  }
  client.disconnect();
  return found;
}

async function offline(root: string, set: SetName): Promise<Map<string, string>> {
  const values = FEATURES[set].map((name) => `coalesce(${name}::VARCHAR, '')`).join(" || ' ' || ");
  const query = `
    WITH newest AS (
      SELECT * FROM read_parquet('${root}/${set}_features/*.parquet')
      QUALIFY row_number() OVER (PARTITION BY customer_id${set === "customer" ? ", window_start" : ""}
        ORDER BY batch_id DESC, created_timestamp DESC) = 1)
    SELECT customer_id::VARCHAR, ${values} FROM newest WHERE NOT is_deleted
    QUALIFY row_number() OVER (PARTITION BY customer_id ORDER BY window_start DESC) = 1`;
  return withDuckDb(folder, async (connection) => {
    const found = new Map<string, string>();
    for await (const [customer, text] of rowsOf(connection, query)) found.set(String(customer), String(text));
    return found;
  });
}

function differences(name: string, expected: Map<string, string>, found: Map<string, string>): string[] {
  const keys = new Set([...expected.keys(), ...found.keys()]);
  return [...keys].flatMap((key) => {
    const [a, b] = [expected.get(key) ?? "none", found.get(key) ?? "none"];
    return a === b ? [] : [`${name} of ${key}: ${b}, by SQL ${a}`];
  });
}

const hour = () => Math.floor(Date.now() / 3_600_000);

/** What differs in the end, after a run that nothing disturbs. */
async function check(): Promise<string[]> {
  for (;;) {
    const endpoints = await up();
    const [before, { exitCode, stdout, stderr }] = [hour(), await runSets()];
    if (exitCode !== 0) return [`the last run failed: ${stderr}`];
    const wrong: string[] = [];
    for (const run of JSON.parse(stdout).runs) {
      const { read, applied, duplicates, late, deadLetters, ignored, featureSet } = run;
      if (applied + duplicates + late + deadLetters + ignored !== read)
        wrong.push(`${featureSet} does not add up`);
    }
    for (const set of SETS) {
      const truth = await expected(endpoints.postgres, set);
      say(`${set}: ${truth.size} customers`);
      wrong.push(...differences(`${set} in Redis`, truth, await online(endpoints.redis, set)));
      wrong.push(...differences(`${set} in Parquet`, truth, await offline(endpoints.offline, set)));
    }
    const verified = await cli(folder, ["verify", ...SETS, "--json"]);
    if (verified.exitCode !== 0) wrong.push(`verify: ${verified.stdout.slice(0, 3_000)} ${verified.stderr}`);
    // Rolling values of another hour are right, and not comparable.
    if (hour() === before) return wrong;
  }
}

mkdirSync(path.join(folder, "features"));
writeFileSync(path.join(folder, "features", "lately.yaml"), ROLLING);
say(`seed ${options.seed}, ${ROUNDS} rounds in ${folder}`);
for (let number = 1; number <= ROUNDS; number += 1) await round(number);
const wrong = await check();
say(JSON.stringify(counts));
for (const line of wrong.slice(0, 40)) console.log(line);
say(`${wrong.length} differences`);
process.exitCode = wrong.length > 0 ? 1 : 0;
if (wrong.length === 0) {
  await cli(folder, ["down", "--purge"]);
  rmSync(folder, { recursive: true, force: true });
}
