/** The main path on the real chain: rows in Postgres, features in Redis and Parquet, verified; then broken on purpose. */
import { readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { Redis } from "ioredis";
import { beforeAll, describe, expect, it } from "vitest";
import { runSql } from "../../src/stack/demo-shop/index.ts";
import { cli, startCli } from "./support/cli.ts";
import { projectFolder, stack } from "./support/stack.ts";

const run = (...args: string[]) => cli(projectFolder(), ["run", ...args, "--json"]);

async function verify(...args: string[]) {
  const result = await cli(projectFolder(), ["verify", ...args, "--json"]);
  return { ...result, report: result.stdout === "" ? undefined : JSON.parse(result.stdout) };
}

/** Orders of 40 customers and 12 products over the last 40 days, then every kind of change. */
const ORDERS = `
  INSERT INTO orders (customer_id, product_id, quantity, total_amount, created_at)
  SELECT 1 + i % 40, 1 + i % 12, 1 + i % 3, (i * 7.31)::numeric(12,2), now() - (i % 41) * interval '1 day' - i * interval '1 minute'
  FROM generate_series(1, 2000) AS i`;
const CHANGES = `
  UPDATE orders SET total_amount = total_amount + 0.01, updated_at = now() WHERE order_id % 3 = 0;
  UPDATE orders SET customer_id = customer_id % 40 + 1 WHERE order_id % 7 = 0;
  UPDATE orders SET order_id = order_id + 100000 WHERE order_id % 11 = 0;
  UPDATE orders SET created_at = created_at - interval '3 days' WHERE order_id % 13 = 0;
  UPDATE orders SET total_amount = NULL WHERE order_id % 17 = 0;
  INSERT INTO orders (customer_id, total_amount) VALUES (41, NULL);
  DELETE FROM orders WHERE order_id % 5 = 0;
  DELETE FROM orders WHERE customer_id = 9`;

/** What SQL says of each customer's latest window, as Redis should have it. */
const EXPECTED = `
  WITH windows AS (
    SELECT customer_id, floor(extract(epoch FROM created_at) / 2592000) AS w, count(*) AS n, sum(total_amount) AS total
    FROM orders GROUP BY 1, 2)
  SELECT DISTINCT ON (customer_id) customer_id, n, total, round(total / n, 2), total > 1000
  FROM windows ORDER BY customer_id, w DESC`;

async function compareWithSql(): Promise<number> {
  const { postgres, redis: url } = await stack();
  const rows = (await runSql(postgres, EXPECTED))[0]?.rows ?? [];
  const redis = new Redis(url);
  try {
    const keys = (await redis.keys("customer:*:features")).sort();
    expect(keys).toEqual(rows.map(([id]) => `customer:${id}:features`).sort());
    for (const [id, count, total, average, high] of rows) {
      const names = ["order_count_30d", "total_spend_30d", "avg_order_value_30d", "is_high_value"];
      const boolean = high === null ? null : high === "t" ? "true" : "false";
      expect(await redis.hmget(`customer:${id}:features`, ...names)).toEqual([
        count,
        total,
        average,
        boolean,
      ]);
    }
    return rows.length;
  } finally {
    redis.disconnect();
  }
}

describe("customer and product features on the real chain", () => {
  it("equal SQL after inserts, and both kinds of verify agree", async () => {
    await runSql((await stack()).postgres, ORDERS);
    const result = await run("customer", "product");
    expect(result.exitCode, result.stderr).toBe(0);
    const { runs } = JSON.parse(result.stdout);
    expect(runs.map((one: { featureSet: string }) => one.featureSet)).toEqual(["customer", "product"]);
    for (const one of runs) {
      expect(one.read).toBe(2000);
      expect(one.applied + one.duplicates + one.late + one.deadLetters + one.ignored).toBe(one.read);
    }
    expect(await compareWithSql()).toBe(40);
    for (const against of ["log", "source"]) {
      const { exitCode, report, stderr } = await verify("customer", "product", "--against", against);
      expect(
        report?.featureSets.flatMap((set: { differences: unknown[] }) => set.differences),
        stderr,
      ).toEqual([]);
      expect(exitCode).toBe(0);
      expect(report.featureSets[0].checkedValues).toBeGreaterThan(200);
    }
  });

  it("equal SQL after updates, moves, key changes and deletes, in a second run that goes on", async () => {
    await runSql((await stack()).postgres, CHANGES);
    const result = await run("customer", "product");
    expect(result.exitCode, result.stderr).toBe(0);
    expect(await compareWithSql()).toBe(40);
    for (const against of ["log", "source"]) {
      const { exitCode, report } = await verify("customer", "product", "--against", against);
      expect(report.featureSets.flatMap((set: { differences: unknown[] }) => set.differences)).toEqual([]);
      expect(exitCode).toBe(0);
    }
  });

  it("are untouched by a run without news", async () => {
    const result = await run("customer");
    expect(result.exitCode, result.stderr).toBe(0);
    expect(JSON.parse(result.stdout).runs[0]).toMatchObject({ read: 0, applied: 0 });
    expect((await verify("customer")).exitCode).toBe(0);
  });

  it("are shown by get", async () => {
    const result = await cli(projectFolder(), ["get", "customer", "3", "--json"]);
    expect(result.exitCode, result.stderr).toBe(0);
    const [entity] = JSON.parse(result.stdout);
    expect(entity).toMatchObject({
      entity: "3",
      features: { days_since_last_order: expect.any(Number), is_high_value: expect.any(Boolean) },
    });
  });
});

describe("verify finds", () => {
  let redis: Redis;
  beforeAll(async () => {
    redis = new Redis((await stack()).redis);
    return () => redis.disconnect();
  });

  async function found(): Promise<
    {
      entity: string | null;
      store: string;
      feature: string | null;
      kind: string;
      actual: unknown;
      expected: unknown;
    }[]
  > {
    const { exitCode, report } = await verify("customer");
    expect(exitCode).toBe(1);
    expect(report.ok).toBe(false);
    return report.featureSets[0].differences;
  }

  it("one changed field", async () => {
    const key = "customer:3:features";
    const right = (await redis.hget(key, "total_spend_30d")) as string;
    await redis.hset(key, "total_spend_30d", "1.23");
    expect(await found()).toMatchObject([
      { entity: "3", store: "online", feature: "total_spend_30d", expected: right, actual: "1.23" },
    ]);
    await redis.hset(key, "total_spend_30d", right);
  });

  it("a deleted key and an added one", async () => {
    const key = "customer:4:features";
    const right = await redis.hgetall(key);
    await redis.del(key);
    await redis.hset("customer:999:features", { order_count_30d: "1" });
    const differences = await found();
    expect(differences).toContainEqual(
      expect.objectContaining({ entity: "4", store: "online", kind: "missing" }),
    );
    expect(differences).toContainEqual(
      expect.objectContaining({ entity: "999", store: "online", kind: "extra" }),
    );
    await redis.hset(key, right);
    await redis.del("customer:999:features");
  });

  it("a dropped Parquet file", async () => {
    const folder = path.join((await stack()).offline, "customer_features");
    const file = readdirSync(folder)
      .filter((name) => name.endsWith(".parquet"))
      .sort()[0] as string;
    renameSync(path.join(folder, file), path.join(projectFolder(), file));
    expect((await found()).some((difference) => difference.store === "offline")).toBe(true);
    renameSync(path.join(projectFolder(), file), path.join(folder, file));
  });

  it("a damaged Parquet file", async () => {
    const folder = path.join((await stack()).offline, "customer_features");
    const file = path.join(
      folder,
      readdirSync(folder)
        .filter((name) => name.endsWith(".parquet"))
        .sort()[0] as string,
    );
    const right = readFileSync(file);
    writeFileSync(file, right.subarray(0, right.length - 100));
    expect((await found()).some((difference) => difference.store === "offline")).toBe(true);
    writeFileSync(file, right);
  });

  it("changes that were not run yet, as stale", async () => {
    await runSql((await stack()).postgres, "INSERT INTO orders (customer_id, total_amount) VALUES (3, 5.00)");
    const differences = await found();
    expect(differences.length).toBeGreaterThan(0);
    expect(new Set(differences.map((difference) => `${difference.entity} ${difference.kind}`))).toEqual(
      new Set(["3 stale"]),
    );
  });

  it("nothing once all is mended and run", async () => {
    expect((await run("customer")).exitCode).toBe(0);
    const { exitCode, report } = await verify(
      "customer",
      "--junit",
      path.join(projectFolder(), "report.xml"),
    );
    expect(report.featureSets[0].differences).toEqual([]);
    expect(exitCode).toBe(0);
    expect(readFileSync(path.join(projectFolder(), "report.xml"), "utf8")).toMatch(
      /<testsuites? .*failures="0"/,
    );
    rmSync(path.join(projectFolder(), "report.xml"));
  });
});

describe("a continuous run", () => {
  it("follows live changes, refuses a second run of the set, and ends cleanly on Ctrl-C", async () => {
    const { postgres, redis: url } = await stack();
    const redis = new Redis(url);
    const first = startCli(projectFolder(), ["run", "customer", "--continuous", "--json"]);
    try {
      await expect
        .poll(
          () => cli(projectFolder(), ["status", "--json"]).then((s) => JSON.parse(s.stdout).runs[0]?.pid),
          { timeout: 60_000, interval: 500 },
        )
        .toBeGreaterThan(0);
      const second = await run("customer");
      expect(second.exitCode).toBe(2);
      expect(second.stderr).toContain("already being run");

      await runSql(
        postgres,
        "INSERT INTO orders (customer_id, total_amount) VALUES (777, 12.50), (777, 0.25)",
      );
      await expect
        .poll(() => redis.hget("customer:777:features", "total_spend_30d"), {
          timeout: 90_000,
          interval: 250,
        })
        .toBe("12.75");
      await runSql(postgres, "DELETE FROM orders WHERE customer_id = 777");
      await expect
        .poll(() => redis.exists("customer:777:features"), { timeout: 60_000, interval: 250 })
        .toBe(0);
    } finally {
      first.kill("SIGINT");
    }
    const ended = await first;
    expect(ended.exitCode, ended.stderr).toBe(0);
    expect(JSON.parse(ended.stdout).runs[0].read).toBeGreaterThanOrEqual(4);
    expect((await verify("customer")).exitCode).toBe(0);
    redis.disconnect();
  });
});

describe("a failing job", () => {
  it("says the cause in one screen, where the log is, and exits with 4", async () => {
    const offline = path.join((await stack()).offline, "product_features");
    renameSync(offline, `${offline}.away`);
    writeFileSync(offline, "in the way");
    await runSql(
      (await stack()).postgres,
      "INSERT INTO orders (customer_id, product_id, total_amount) VALUES (3, 3, 5.00)",
    );
    const result = await run("product");
    rmSync(offline);
    renameSync(`${offline}.away`, offline);
    expect(result.exitCode).toBe(4);
    expect(result.stderr.split("\n").length).toBeLessThan(30);
    expect(result.stderr).toMatch(/product_features/);
    expect(result.stderr.trimEnd().split("\n").at(-1)).toContain("job.log");
    expect((await run("product")).exitCode).toBe(0);
    expect((await verify("product")).exitCode).toBe(0);
  });
});

describe("--sink console", () => {
  it("shows the changed features and writes to no store", async () => {
    const { redis: url } = await stack();
    const redis = new Redis(url);
    const before = await redis.hgetall("customer:3:features");
    const result = await cli(projectFolder(), ["run", "customer", "--sink", "console"]);
    expect(result.exitCode, result.stderr).toBe(0);
    expect(result.stdout).toMatch(/customer_id +.*order_count_30d/);
    expect(await redis.hgetall("customer:3:features")).toEqual(before);
    redis.disconnect();
  });
});
