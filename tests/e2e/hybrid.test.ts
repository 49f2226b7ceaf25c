/** Windows of the past beside a stream that goes on, in any order and from each source, and batches on a schedule. */
import { writeFileSync } from "node:fs";
import path from "node:path";
import { Redis } from "ioredis";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { runSql } from "../../src/stack/demo-shop/index.ts";
import { cli, startCli } from "./support/cli.ts";
import { projectFolder, stack } from "./support/stack.ts";

const PAST = `name: past
description: What customers of the test spend
entity: customer_id
source:
  table: public.orders
  primary_key: order_id
  event_time: created_at
  columns: { order_id: bigint, customer_id: bigint, total_amount: "decimal(12,2)", created_at: timestamp }
window: { type: tumbling, length: 10 days }
watermark: 1 hour
features:
  orders: { kind: aggregated, aggregate: count }
  spend: { kind: aggregated, aggregate: sum, column: total_amount }
  days: { kind: behavioural, measure: recency, unit: days }
dead_letters: { max_share: 1 }
`;

const sql = async (text: string) => runSql((await stack()).postgres, text);

describe("backfill", () => {
  let file: string;
  let redis: Redis;
  const spend = (customer: number) => redis.hget(`past:${customer}:features`, "spend");

  async function fill(...options: string[]) {
    const args = ["backfill", file, "--from", "2000-01-01", "--to", "2100-01-01", "--json", ...options];
    const { stdout, stderr, exitCode } = await cli(projectFolder(), args);
    expect(exitCode, stderr).toBe(0);
    return JSON.parse(stdout) as { windows: number; left: number; written: number; quarantined: number };
  }
  async function run(...options: string[]) {
    const { stdout, stderr, exitCode } = await cli(projectFolder(), ["run", file, "--json", ...options]);
    expect(exitCode, stderr).toBe(0);
    return JSON.parse(stdout).runs[0];
  }
  async function differences(against = "log") {
    const { stdout, stderr } = await cli(projectFolder(), ["verify", file, "--json", "--against", against]);
    expect(stdout, stderr).not.toBe("");
    return JSON.parse(stdout).featureSets[0].differences;
  }

  beforeAll(async () => {
    redis = new Redis((await stack()).redis);
    file = path.join(projectFolder(), "past.yaml");
    writeFileSync(file, PAST);
    await sql(`INSERT INTO orders (customer_id, total_amount, created_at)
      SELECT 70000 + i % 50, i, now() - i * interval '3 hours' FROM generate_series(1, 600) AS i`);
  });
  afterAll(() => redis.disconnect());

  it("comes before the first run, which then goes on over it", async () => {
    const told = await fill();
    expect(told.written).toBe(told.windows);
    expect(told.windows).toBeGreaterThan(200);
    expect(await differences()).toEqual([]);
    const before = await spend(70001);
    await run();
    expect(await spend(70001)).toBe(before);
    expect(await differences()).toEqual([]);
  });

  it("comes after a run, from the topic and from the table, and finds nothing to write", async () => {
    for (const source of ["topic", "table"]) {
      const told = await fill("--source", source);
      expect(told.written, source).toBe(0);
      expect(await differences(), source).toEqual([]);
    }
  });

  it("brings what the stream has not come to yet, and the stream goes on from its checkpoint", async () => {
    await sql(`UPDATE orders SET total_amount = 7 WHERE customer_id = 70001;
      DELETE FROM orders WHERE customer_id = 70002 AND created_at > now() - interval '1 day';
      INSERT INTO orders (customer_id, total_amount) VALUES (70100, 5), (70101, 6)`);
    const told = await fill("--source", "table");
    expect(told.written).toBeGreaterThanOrEqual(3);
    expect(await spend(70100)).toBe("5.00");
    const { read } = await run();
    expect(read).toBeGreaterThan(0);
    expect(await differences()).toEqual([]);
    expect(await differences("source")).toEqual([]);
  });

  it("is refused while a run of the set is on", async () => {
    const running = startCli(projectFolder(), ["run", file, "--continuous"]);
    let said = "";
    running.stderr.on("data", (text) => {
      said += text;
    });
    await expect.poll(() => said, { timeout: 60_000, interval: 200 }).toContain("Spark is up");
    const args = ["backfill", file, "--from", "2026-01-01", "--to", "2026-02-01"];
    const refused = await cli(projectFolder(), args);
    expect([refused.exitCode, refused.stderr]).toEqual([
      2,
      expect.stringContaining("past is already being run"),
    ]);
    running.kill("SIGINT");
    expect((await running).exitCode).toBe(0);
  });

  it("names what is wrong with its options", async () => {
    const call = (...args: string[]) => cli(projectFolder(), ["backfill", file, ...args]);
    const wrong: [string[], string][] = [
      [["--from", "2026-02-01", "--to", "2026-01-01"], "--to is not after --from"],
      [["--from", "soon", "--to", "2026-01-01"], "It is a date, or a time with its zone"],
      [["--from", "2026-01-01", "--to", "2026-02-01", "--source", "orders.txt"], "does not tell its format"],
    ];
    for (const [args, message] of wrong) {
      const { exitCode, stderr } = await call(...args);
      expect([exitCode, stderr]).toEqual([2, expect.stringContaining(message)]);
    }
  });

  it("goes on by itself as a batch on a schedule", async () => {
    writeFileSync(file, `${PAST}mode: batch\nschedule: 1 minute\n`);
    const batch = startCli(projectFolder(), ["run", file, "--continuous", "--json"]);
    let said = "";
    batch.stderr.on("data", (text) => {
      said += text;
    });
    await expect.poll(() => said, { timeout: 90_000, interval: 200 }).toContain("next batch at");
    await sql("INSERT INTO orders (customer_id, total_amount) VALUES (70200, 8)");
    await expect.poll(() => spend(70200), { timeout: 110_000, interval: 500 }).toBe("8.00");
    // It is in Redis before the run is over.
    said = "";
    await expect.poll(() => said, { timeout: 60_000, interval: 200 }).toContain("next batch at");
    batch.kill("SIGINT");
    const { exitCode, stdout } = await batch;
    expect(exitCode).toBe(0);
    expect(JSON.parse(stdout).runs[0].batches).toBe(1);
    expect(await differences()).toEqual([]);
  });

  it("keeps rows that break rules from the stores, and counts them", async () => {
    const rule = "{ check: range, feature: spend, max: 1000000, severity: quarantine }";
    writeFileSync(file, `${PAST}validation: { spend_in_range: ${rule} }\n`);
    const before = await spend(70100);
    await sql(`INSERT INTO orders (customer_id, total_amount) VALUES (70100, 9000000), (70300, 9000000);
      UPDATE orders SET total_amount = 6 WHERE customer_id = 70101`);
    const broken = [{ rule: "spend_in_range", severity: "quarantine", rows: 2 }];
    expect(await fill("--source", "table")).toMatchObject({ quarantined: 2, validation: broken });
    expect([await spend(70100), await spend(70300), await spend(70101)]).toEqual([before, null, "6.00"]);
    expect(await differences()).toEqual([]);
    const { stdout } = await cli(projectFolder(), ["status", "--json"]);
    const measured = JSON.parse(stdout).featureSets.find(
      (one: { featureSet: string }) => one.featureSet === "past",
    );
    expect(measured.quarantined).toBe(2);
    expect(await run()).toMatchObject({ quarantined: 2 });
    expect([await spend(70100), await spend(70300)]).toEqual([before, null]);
    expect(await differences()).toEqual([]);
    await sql("UPDATE orders SET total_amount = 1 WHERE total_amount = 9000000");
    expect(await fill()).toMatchObject({ quarantined: 0 });
    expect(await spend(70300)).toBe("1.00");
    await run();
    expect(await differences()).toEqual([]);
    // What a backfill has accepted goes on when the batch of the stream that comes to it is kept back for more.
    await sql("INSERT INTO orders (customer_id, total_amount) VALUES (70300, 3)");
    await fill();
    await sql("INSERT INTO orders (customer_id, total_amount) VALUES (70300, 9000000)");
    expect(await run()).toMatchObject({ quarantined: 1 });
    expect(await spend(70300)).toBe("4.00");
    expect(await differences()).toEqual([]);
    await sql("UPDATE orders SET total_amount = 1 WHERE total_amount = 9000000");
    await run();
    expect(await differences()).toEqual([]);
  });

  it("holds windows that are final to their rules by all their rows, and verify knows by which", async () => {
    const rule = "{ check: range, feature: spend, max: 1000, severity: quarantine }";
    file = path.join(projectFolder(), "judged_past.yaml");
    writeFileSync(
      file,
      `${PAST.replace("name: past", "name: judged_past")}validation: { modest: ${rule} }\n`,
    );
    expect((await run()).quarantined).toBeGreaterThan(10);
    // All of them are final, and of some the rows in quarantine are right now.
    await sql(`UPDATE orders SET total_amount = CASE WHEN customer_id % 3 = 0 THEN 1 ELSE total_amount + 1000 END
      WHERE customer_id BETWEEN 70000 AND 70050 AND created_at < now() - interval '40 days'`);
    expect((await run()).late).toBeGreaterThan(10);
    expect([await differences(), await differences("source")]).toEqual([[], []]);
    const told = await fill();
    expect([told.written, told.quarantined]).toEqual([expect.any(Number), expect.any(Number)]);
    expect(Math.min(told.written, told.quarantined)).toBeGreaterThan(5);
    expect([await differences(), await differences("source")]).toEqual([[], []]);
    const csv = path.join(projectFolder(), "old.csv");
    const rows = [1, 2, 3].map((i) => `99000${i},7050${i},${i === 2 ? 9 : 9000},2019-05-0${i}T10:00:00Z`);
    writeFileSync(csv, ["order_id,customer_id,total_amount,created_at", ...rows, ""].join("\n"));
    expect(await fill("--source", csv)).toMatchObject({ windows: 3, quarantined: 2 });
    expect(await differences()).toEqual([]);
  });
});
