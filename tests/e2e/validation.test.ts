/** Rules of validation on the real chain: wrong rows never get to the stores, and verify knows. */
import { writeFileSync } from "node:fs";
import path from "node:path";
import { Redis } from "ioredis";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { runSql } from "../../src/stack/demo-shop/index.ts";
import { cli } from "./support/cli.ts";
import { projectFolder, stack } from "./support/stack.ts";

const RULED = `name: ruled
description: What customers of the test spend
entity: customer_id
source:
  table: public.orders
  primary_key: order_id
  event_time: created_at
  columns:
    order_id: bigint
    customer_id: bigint
    quantity: integer
    total_amount: decimal(12,2)
    created_at: timestamp
window: { type: tumbling, length: 30 days }
watermark: 1 hour
features:
  orders: { kind: aggregated, aggregate: count }
  spend: { kind: aggregated, aggregate: sum, column: total_amount }
  pieces: { kind: aggregated, aggregate: sum, column: quantity }
  average: { kind: derived, expression: spend / orders, digits: 2 }
validation:
  pieces_there: { check: not_null, feature: pieces, severity: quarantine }
  positive: { check: range, feature: spend, min: 0, severity: quarantine }
  far: { check: outlier, feature: spend, method: robust_z_score, threshold: 50, severity: quarantine }
  jump: { check: sudden_change, feature: orders, max_change: 5, severity: quarantine }
  possible: { check: relation, expression: average < 100000, severity: fail }
dead_letters: { max_share: 1 }
`;

const sql = async (text: string) => runSql((await stack()).postgres, text);

describe("a set with rules", () => {
  let redis: Redis;
  let file: string;
  const spend = (customer: number) => redis.hget(`ruled:${customer}:features`, "spend");

  async function run(...options: string[]) {
    const { stdout, stderr, exitCode } = await cli(projectFolder(), ["run", file, "--json", ...options]);
    const run = exitCode === 0 ? JSON.parse(stdout).runs[0] : undefined;
    const broken = new Map<string, number>(
      run?.validation.map((one: { rule: string; rows: number }) => [one.rule, one.rows]),
    );
    return { exitCode, stderr, run, broken };
  }

  async function differences() {
    const { stdout, stderr } = await cli(projectFolder(), ["verify", file, "--json"]);
    expect(stdout, stderr).not.toBe("");
    return JSON.parse(stdout).featureSets[0].differences;
  }

  beforeAll(async () => {
    redis = new Redis((await stack()).redis);
    file = path.join(projectFolder(), "ruled.yaml");
    writeFileSync(file, RULED);
    await sql(`INSERT INTO orders (customer_id, quantity, total_amount, created_at)
      SELECT 50000 + i % 300, 1, 10 + i % 7, now() FROM generate_series(1, 900) AS i`);
    await sql(
      `INSERT INTO orders (customer_id, quantity, total_amount) VALUES (50400, NULL, 5), (50401, 1, 90000)`,
    );
  });
  afterAll(() => redis.disconnect());

  it("keeps nulls and outliers from the stores in its very first run", async () => {
    const { exitCode, stderr, run: told, broken } = await run();
    expect(exitCode, stderr).toBe(0);
    expect(broken.get("pieces_there")).toBeGreaterThanOrEqual(1);
    expect(broken.get("far")).toBeGreaterThanOrEqual(1);
    expect(told.quarantined).toBeGreaterThanOrEqual(2);
    expect(await redis.exists("ruled:50400:features", "ruled:50401:features")).toBe(0);
    expect(await redis.exists("ruled:50001:features")).toBe(1);
    expect(await differences()).toEqual([]);
  });

  it("goes on serving the old value, and says what is in quarantine and why", async () => {
    const before = await redis.hgetall("ruled:50001:features");
    await sql(
      `INSERT INTO orders (customer_id, quantity, total_amount) VALUES (50001, 1, -5000), (50002, 1, 1)`,
    );
    await sql(
      `INSERT INTO orders (customer_id, quantity, total_amount) SELECT 50003, 1, 1 FROM generate_series(1, 6)`,
    );
    const { broken, run: told } = await run();
    expect([broken.get("positive"), broken.get("jump"), told.quarantined]).toEqual([1, 1, 2]);
    expect((await redis.hgetall("ruled:50001:features")).spend).toBe(before.spend);
    expect(await redis.hget("ruled:50003:features", "orders")).toBe("3");
    expect(await redis.hget("ruled:50002:features", "orders")).toBe("4");
    expect(await differences()).toEqual([]);
    const shown = await cli(projectFolder(), ["quarantine", file, "--json"]);
    const held = JSON.parse(shown.stdout).find((one: { entity: string }) => one.entity === "50001");
    expect(held.rules).toEqual(["positive", "far"]);
    expect(held.reasons[0]).toMatch(/^spend is -49\d\d\.00, below 0$/);
  });

  it("is found by verify where somebody writes such a value nevertheless", async () => {
    const version = await redis.hget("ruled:50001:features", "_version");
    await redis.hset("ruled:50001:features", "spend", "-4961.00");
    const found = await differences();
    expect(found).toEqual([expect.objectContaining({ entity: "50001", store: "online", feature: "spend" })]);
    expect(version).toMatch(/^\d{20}$/);
    await run();
    expect(await differences()).toEqual([]);
  });

  it("fails before anything is written, and goes on when it is told how", async () => {
    await sql(
      `INSERT INTO orders (customer_id, quantity, total_amount) VALUES (50500, 1, 1), (50501, 1, 100000)`,
    );
    for (let attempt = 0; attempt < 2; attempt += 1) {
      const { exitCode, stderr } = await run();
      expect(exitCode).toBe(4);
      expect(stderr).toContain(
        "possible: 1 row, such as it does not hold: average is 100000.00 (customer_id 50501",
      );
      expect(stderr).toContain("--on-fail quarantine");
      expect(await redis.exists("ruled:50500:features")).toBe(0);
      await sql("UPDATE orders SET total_amount = 12 WHERE customer_id = 50501");
    }
    const { exitCode, stderr } = await run("--on-fail", "quarantine");
    expect(exitCode, stderr).toBe(0);
    expect(await spend(50500)).toBe("1.00");
    expect(await spend(50501)).toBe("12.00");
    expect(await differences()).toEqual([]);
  });
});
