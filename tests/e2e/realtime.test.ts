/** Real-time mode on the real chain: values within seconds, and both stores exact whatever happens to the job. */
import { writeFileSync } from "node:fs";
import path from "node:path";
import { Redis } from "ioredis";
import { afterAll, beforeAll, describe, expect, it, onTestFailed } from "vitest";
import { appendOnly } from "../../src/cli/bench.ts";
import { type Definition, loadDefinitions } from "../../src/cli/definitions.ts";
import { runSql } from "../../src/stack/demo-shop/index.ts";
import { PACKAGE_ROOT } from "../../src/stack/home.ts";
import { cli, startCli } from "./support/cli.ts";
import { projectFolder, stack } from "./support/stack.ts";

const REALTIME = ["--mode", "realtime", "--json"];
const CONTINUOUS = [...REALTIME, "--continuous", "--realtime-batch", "20 seconds"];
/** Spark has to be downloaded for the first, and the machine may be busy. */
const UP_MS = 480_000;
/** The line that a run works in real time comes before Spark has started its tasks. */
const FIRST = { timeout: 120_000, interval: 50 };
const SOON = { timeout: 30_000, interval: 50 };

const sql = async (text: string) => runSql((await stack()).postgres, text);

async function differences(set = "customer"): Promise<unknown[]> {
  const { stdout, stderr } = await cli(projectFolder(), ["verify", set, "--json"]);
  expect(stdout, stderr).not.toBe("");
  return JSON.parse(stdout).featureSets[0].differences;
}

/** A run that works in real time by now; in an object, since the process itself can be awaited. */
async function started(set = "customer") {
  const run = startCli(projectFolder(), ["run", set, ...CONTINUOUS]);
  let said = "";
  run.stderr.on("data", (text) => {
    said += text;
  });
  let ended = false;
  run.then(() => {
    ended = true;
  });
  // No later run of the set has to give way to it, and what it said tells more than what is missing in Redis.
  onTestFailed(async () => {
    run.kill("SIGINT");
    console.error(`the run ended with ${(await run).exitCode}:\n${said}`);
  });
  await expect
    .poll(
      () => {
        if (ended) throw new Error(`the run ended:\n${said}`);
        return said;
      },
      { timeout: UP_MS, interval: 500 },
    )
    .toContain("real-time · ");
  return { run };
}

async function pidOfJob(): Promise<number> {
  const { stdout } = await cli(projectFolder(), ["status", "--json"]);
  const { runs } = JSON.parse(stdout) as { runs: { featureSet: string; pid: number | null }[] };
  return runs.find(({ featureSet }) => featureSet === "customer")?.pid as number;
}

describe("real-time mode", () => {
  let redis: Redis;
  const order = (customer: number) =>
    redis.hmget(`customer:${customer}:features`, "order_count_30d", "total_spend_30d");

  beforeAll(async () => {
    redis = new Redis((await stack()).redis);
    await sql(`INSERT INTO orders (customer_id, product_id, total_amount, created_at)
      SELECT 8000 + i % 10, 1, 1.50, now() - i * interval '1 hour' FROM generate_series(1, 200) AS i`);
  });
  afterAll(() => redis.disconnect());

  it("serves changes within seconds, and leaves both stores as they ought to be", async () => {
    const { run } = await started();
    await sql("INSERT INTO orders (customer_id, total_amount) VALUES (8100, 12.50), (8100, 0.25)");
    await expect.poll(() => order(8100), FIRST).toEqual(["2", "12.75"]);
    await sql("UPDATE orders SET total_amount = 20 WHERE customer_id = 8100 AND total_amount = 12.50");
    await expect.poll(() => order(8100), SOON).toEqual(["2", "20.25"]);
    await sql("UPDATE orders SET customer_id = 8101 WHERE customer_id = 8100 AND total_amount = 0.25");
    await expect.poll(() => order(8101), SOON).toEqual(["1", "0.25"]);
    await expect.poll(() => order(8100), SOON).toEqual(["1", "20.00"]);
    await sql("DELETE FROM orders WHERE customer_id = 8100");
    await expect.poll(() => redis.exists("customer:8100:features"), SOON).toBe(0);
    // Over the end of a batch, too.
    for (let i = 0; i < 25; i += 1) {
      await sql("INSERT INTO orders (customer_id, total_amount) VALUES (8102, 1.00)");
      await expect.poll(() => order(8102), SOON).toEqual([String(i + 1), `${i + 1}.00`]);
      await new Promise((resolve) => setTimeout(resolve, 1_000));
    }
    run.kill("SIGINT");
    const { exitCode, stdout, stderr } = await run;
    expect(exitCode, stderr).toBe(0);
    const [told] = JSON.parse(stdout).runs;
    expect(told.applied + told.duplicates + told.late + told.deadLetters + told.ignored).toBe(told.read);
    expect(told.realtime).toMatchObject({ lagMessages: 0, p50Ms: expect.any(Number) });
    expect(told.realtime.written).toBeGreaterThanOrEqual(25);
    expect(await differences()).toEqual([]);
  });

  it("makes up for a job that was killed in the middle of a batch", async () => {
    const { run } = await started();
    for (let i = 0; i < 20; i += 1)
      await sql(`INSERT INTO orders (customer_id, total_amount) VALUES (${8200 + (i % 5)}, 2.00)`);
    await expect.poll(() => order(8204), FIRST).toEqual(["4", "8.00"]);
    await sql(
      "DELETE FROM orders WHERE customer_id = 8203; UPDATE orders SET total_amount = 3 WHERE customer_id = 8204",
    );
    process.kill(-(await pidOfJob()), "SIGKILL");
    expect((await run).exitCode).toBe(4);
    await sql("INSERT INTO orders (customer_id, total_amount) VALUES (8200, 2.00)");
    const again = await cli(projectFolder(), ["run", "customer", ...REALTIME]);
    expect(again.exitCode, again.stderr).toBe(0);
    expect(await order(8200)).toEqual(["5", "10.00"]);
    expect(await order(8204)).toEqual(["4", "12.00"]);
    expect(await redis.exists("customer:8203:features")).toBe(0);
    expect(await differences()).toEqual([]);
  });

  it("counts a row of a table that is only appended to once, though no row is kept", async () => {
    const file = path.join(projectFolder(), "customer_append.yaml");
    const [shipped] = await loadDefinitions(
      [path.join(PACKAGE_ROOT, "features/customer.yaml")],
      PACKAGE_ROOT,
    );
    // The updates and deletes of the tests before, in any file, are dead letters to it, however many they are.
    const more = `dead_letters:
  max_share: 1
validation:
  spends_little: { check: range, feature: total_spend_30d, max: 12, severity: warn }
`;
    writeFileSync(file, appendOnly(shipped as Definition).text + more);
    // What is there before is computed in micro-batches; what breaks the rule later, in real-time ones.
    const before = await cli(projectFolder(), ["run", file, ...REALTIME]);
    expect(before.exitCode, before.stderr).toBe(0);
    const { run } = await started(file);
    const appended = () => redis.hmget("customer_append:8300:features", "order_count_30d", "total_spend_30d");
    await sql("INSERT INTO orders (customer_id, total_amount) VALUES (8300, 12.50), (8300, 0.25)");
    await expect.poll(appended, FIRST).toEqual(["2", "12.75"]);
    // Over the end of a batch, too.
    for (let i = 1; i <= 25; i += 1) {
      await sql("INSERT INTO orders (customer_id, total_amount) VALUES (8300, 1.00)");
      await expect.poll(appended, SOON).toEqual([String(2 + i), `${12 + i}.75`]);
      await new Promise((resolve) => setTimeout(resolve, 1_000));
    }
    run.kill("SIGINT");
    const { exitCode, stdout, stderr } = await run;
    expect(exitCode, stderr).toBe(0);
    const { validation, quarantined } = JSON.parse(stdout).runs[0];
    // Of one window, once in each batch.
    expect(validation[0].rows).toBeGreaterThanOrEqual(2);
    expect(quarantined).toBe(0);
    expect(await differences(file)).toEqual([]);
  });

  it("and micro-batches go on from their own checkpoint to the same values", async () => {
    await sql("INSERT INTO orders (customer_id, total_amount) VALUES (8200, 2.00)");
    const result = await cli(projectFolder(), ["run", "customer", "--json"]);
    expect(result.exitCode, result.stderr).toBe(0);
    expect(await order(8200)).toEqual(["6", "12.00"]);
    expect(await differences()).toEqual([]);
  });
});
