/** Metrics of real runs: read by Prometheus' own tools, and the same as counts taken from outside. */
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import os from "node:os";
import path from "node:path";
import { execa } from "execa";
import { Redis } from "ioredis";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { dashboard } from "../../src/monitor/dashboard.ts";
import { endsOf } from "../../src/platform/kafka-admin.ts";
import { runSql } from "../../src/stack/demo-shop/index.ts";
import { cli, startCli } from "./support/cli.ts";
import { projectFolder, stack } from "./support/stack.ts";

const WATCHED = `name: watched
description: What customers of the test spend
entity: customer_id
source:
  table: public.orders
  primary_key: order_id
  event_time: created_at
  columns: { order_id: bigint, customer_id: bigint, status: text, total_amount: "decimal(12,2)", created_at: timestamp }
window: { type: tumbling, length: 30 days }
watermark: 1 hour
features:
  orders: { kind: aggregated, aggregate: count }
  spend: { kind: aggregated, aggregate: sum, column: total_amount }
  last_status: { kind: point_in_time, column: status }
validation:
  modest: { check: range, feature: spend, max: 1000, severity: quarantine }
slos: { freshness_p99: 36500 days, lag: 36500 days, staleness: 36500 days }
dead_letters: { max_share: 1 }
`;

const ALERTS_TEST = readFileSync(new URL("../fixtures/alerts-test.yml", import.meta.url), "utf8");
const hasPrometheus = spawnSync("promtool", ["--version"]).error === undefined;
const sql = async (text: string) => runSql((await stack()).postgres, text);

/** Samples of a scrape, by name and labels as they stand there. */
function samples(text: string): Map<string, number> {
  const lines = text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  return new Map(
    lines.map((line) => [
      line.slice(0, line.lastIndexOf(" ")),
      Number(line.slice(line.lastIndexOf(" ") + 1)),
    ]),
  );
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

describe("monitor", () => {
  let file: string;
  let redis: Redis;
  let folder: string;

  const once = async (...options: string[]) =>
    (await cli(projectFolder(), ["monitor", file, "--once", ...options])).stdout;
  const run = async () => {
    const { stdout, stderr, exitCode } = await cli(projectFolder(), ["run", file, "--json"]);
    expect(exitCode, stderr).toBe(0);
    return JSON.parse(stdout).runs[0];
  };

  beforeAll(async () => {
    file = path.join(projectFolder(), "watched.yaml");
    writeFileSync(file, WATCHED);
    folder = mkdtempSync(path.join(os.tmpdir(), "cdc-features-monitor-"));
    redis = new Redis((await stack()).redis);
    await sql(`INSERT INTO orders (customer_id, status, total_amount)
      SELECT 60000 + i, CASE WHEN i <= 7 THEN NULL ELSE 'paid' END, i FROM generate_series(1, 50) AS i`);
    await sql("INSERT INTO orders (customer_id, total_amount) VALUES (60100, 5000)");
  });
  afterAll(() => {
    redis.disconnect();
    rmSync(folder, { recursive: true });
  });

  it("tells what was counted from outside, over several runs", async () => {
    const first = await run();
    await sql(
      "INSERT INTO orders (customer_id, status, total_amount) VALUES (60001, 'paid', 1), (60002, NULL, 1)",
    );
    const second = await run();
    const { kafka } = await stack();
    await sql("INSERT INTO orders (customer_id, total_amount) VALUES (60003, 1), (60003, 1), (60003, 1)");
    const ends = async () =>
      [...(await endsOf({ brokers: kafka }, "shop.public.orders")).values()].reduce((a, b) => a + b, 0);
    const read = first.read + second.read;
    await expect.poll(ends, { timeout: 20_000 }).toBe(read + 3);
    const found = samples(await once());
    const of = (name: string, labels = "") =>
      found.get(`cdc_features_${name}{feature_set="watched"${labels}}`);
    const outcomes = {
      applied: "applied",
      duplicate: "duplicates",
      late: "late",
      dead_letter: "deadLetters",
      ignored: "ignored",
    };
    for (const [outcome, key] of Object.entries(outcomes))
      expect(of("events_total", `,outcome="${outcome}"`), outcome).toBe(first[key] + second[key]);
    expect(of("entities_written_total")).toBe(first.entitiesWritten + second.entitiesWritten);
    expect(of("rows_quarantined_total")).toBe(first.quarantined + second.quarantined);
    expect(of("rule_violations_total", ',rule="modest",severity="quarantine"')).toBe(
      first.quarantined + second.quarantined,
    );
    expect(of("batches_total")).toBe(first.batches + second.batches);
    expect(of("runs_total", ',result="finished"')).toBe(2);
    expect(of("lag_events")).toBe(3);
    const keys = await redis.keys("watched:*:features");
    expect(of("online_entities")).toBe(keys.length);
    const statuses = await Promise.all(keys.map((key) => redis.hexists(key, "last_status")));
    expect(of("online_missing_values", ',feature="last_status"')).toBe(statuses.filter((has) => !has).length);
    expect(of("online_missing_values", ',feature="orders"')).toBe(0);
    expect(of("state_rows")).toBe(second.stateRows);
    expect(of("freshness_seconds_count")).toBeGreaterThanOrEqual(52);
    expect(of("freshness_seconds_sum")).toBeGreaterThan(0);
    expect(of("batch_duration_seconds_count")).toBe(first.batches + second.batches);
    expect(of("write_failures_total", ',store="redis"')).toBe(0);
    expect(of("job_running")).toBe(0);
  });

  it("counts a run that Redis has let down", async () => {
    await redis.config("SET", "maxmemory", "1");
    await redis.config("SET", "maxmemory-policy", "noeviction");
    const { exitCode } = await cli(projectFolder(), ["run", file]);
    await redis.config("SET", "maxmemory", "0");
    expect(exitCode).toBe(4);
    const found = samples(await once());
    expect(found.get('cdc_features_write_failures_total{feature_set="watched",store="redis"}')).toBe(1);
    expect(found.get('cdc_features_runs_total{feature_set="watched",result="failed"}')).toBe(1);
    const { stdout } = await cli(projectFolder(), ["status"]);
    expect(stdout).toMatch(/^watched +failed /m);
    expect(stdout).toMatch(/^✗ the job of watched failed: .*Redis/m);
    await run();
    expect((await cli(projectFolder(), ["status"])).stdout).toMatch(/^watched +finished /m);
  });

  it("is OpenMetrics to the reference parser", async () => {
    const python = path.join(process.env.CDC_FEATURES_TEST_TOOLS ?? "", "bin", "python");
    const script =
      "import sys; from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse; " +
      "print(sum(len(family.samples) for family in parse(sys.stdin.read())))";
    const text = `${await once("--form", "openmetrics")}\n`;
    expect(Number(execFileSync(python, ["-c", script], { input: text }).toString())).toBe(samples(text).size);
    expect(() =>
      execFileSync(python, ["-c", script], { input: text.replace("# EOF\n", ""), stdio: "pipe" }),
    ).toThrow();
  });

  it("has an exit code by its objectives", async () => {
    const status = () => cli(projectFolder(), ["status", "--json"]);
    const before = await status();
    const set = JSON.parse(before.stdout).featureSets.find(
      (one: { featureSet: string }) => one.featureSet === "watched",
    );
    expect(set.objectives.map(({ name, met }: { name: string; met: boolean }) => [name, met])).toEqual([
      ["freshness_p99", true],
      ["lag", true],
      ["staleness", true],
    ]);
    expect(before.exitCode).toBe(0);
    writeFileSync(file, WATCHED.replace("freshness_p99: 36500 days", "freshness_p99: 1 milliseconds"));
    await sql("INSERT INTO orders (customer_id, total_amount) VALUES (60004, 1)");
    await run();
    const after = await status();
    expect(after.exitCode).toBe(1);
    const shown = await cli(projectFolder(), ["status"]);
    expect(shown.stdout).toMatch(/✗ watched freshness_p99: .* at most 1 ms/);
    expect(shown.exitCode).toBe(1);
    writeFileSync(file, WATCHED);
    await sql("INSERT INTO orders (customer_id, total_amount) VALUES (60004, 1)");
    await run();
  });

  it("knows how far a job has come whose command was killed", async () => {
    const running = startCli(projectFolder(), ["run", file, "--continuous"]);
    let said = "";
    running.stderr.on("data", (text) => {
      said += text;
    });
    await expect.poll(() => said, { timeout: 60_000 }).toContain("Spark is up");
    running.kill("SIGKILL");
    await running;
    await sql("INSERT INTO orders (customer_id, total_amount) VALUES (60150, 1)");
    await expect.poll(() => redis.exists("watched:60150:features"), { timeout: 60_000 }).toBe(1);
    const lag = async () => samples(await once()).get('cdc_features_lag_events{feature_set="watched"}');
    await expect.poll(lag, { timeout: 20_000 }).toBe(0);
    const { runs } = JSON.parse((await cli(projectFolder(), ["status", "--json"])).stdout);
    const { pid } = runs.find((one: { featureSet: string }) => one.featureSet === "watched");
    process.kill(-pid, "SIGKILL");
    await run();
    expect(await lag()).toBe(0);
  });

  it("is on a page with all else that is known, and agrees with it", async () => {
    const page = path.join(folder, "report.html");
    const { stdout, exitCode } = await cli(projectFolder(), ["report", file, "--json", "--out", page]);
    const { ok, featureSets } = JSON.parse(stdout);
    const [{ runs, quarantine, verification, rules, checks }] = featureSets;
    const found = samples(await once());
    const of = (name: string) => found.get(`cdc_features_${name}{feature_set="watched"}`);
    expect([runs.rowsWritten, runs.batches]).toEqual([of("rows_written_total"), of("batches_total")]);
    expect(rules[0]).toMatchObject({ name: "modest", rows: of("rows_quarantined_total") });
    const { stdout: held } = await cli(projectFolder(), ["quarantine", file, "--json"]);
    expect(quarantine.rows).toBe(JSON.parse(held).length);
    const verified = await cli(projectFolder(), ["verify", file, "--json"]);
    expect(verification.checkedValues).toBe(JSON.parse(verified.stdout).featureSets[0].checkedValues);
    const failed = checks.filter(({ result }: { result: string }) => result === "fail");
    expect([exitCode, ok, failed]).toEqual([0, true, []]);
    const html = readFileSync(page, "utf8");
    expect(html).toContain(verification.checkedValues.toLocaleString("en-US"));
    expect(html).not.toMatch(/<(script|link|img|iframe)[^>]+(src|href)=/);
  });

  it.skipIf(!hasPrometheus)(
    "is scraped by Prometheus, whose tools find nothing wrong, and which the dashboard can ask",
    async () => {
      await sql("INSERT INTO orders (customer_id, total_amount) VALUES (60005, 1)");
      const monitor = startCli(projectFolder(), [
        "monitor",
        file,
        "--port",
        "0",
        "--online-every",
        "1 second",
      ]);
      let said = "";
      monitor.stderr.on("data", (text) => {
        said += text;
      });
      await expect.poll(() => said, { timeout: 20_000 }).toMatch(/127\.0\.0\.1:\d+\/metrics/);
      const port = Number(/127\.0\.0\.1:(\d+)/.exec(said)?.[1]);
      const served = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
      for (const text of [served, `${await once()}\n`]) {
        const checked = spawnSync("promtool", ["check", "metrics"], { input: text });
        expect(checked.stderr.toString() + checked.stdout.toString()).toBe("");
        expect(checked.status).toBe(0);
      }

      const written = await cli(projectFolder(), ["monitor", "--write", folder, "--port", String(port)]);
      expect(written.exitCode, written.stderr).toBe(0);
      const config = path.join(folder, "prometheus.yml");
      writeFileSync(path.join(folder, "alerts-test.yml"), ALERTS_TEST);
      for (const args of [
        ["check", "config", config],
        ["test", "rules", path.join(folder, "alerts-test.yml")],
      ]) {
        const { status, stdout, stderr } = spawnSync("promtool", args);
        expect(status, `${stdout}${stderr}`).toBe(0);
      }

      const web = await freePort();
      const server = execa(
        "prometheus",
        [
          `--config.file=${config}`,
          `--storage.tsdb.path=${path.join(folder, "data")}`,
          `--web.listen-address=127.0.0.1:${web}`,
        ],
        { reject: false, stdio: "ignore" },
      );
      const ask = async (query: string) => {
        const url = `http://127.0.0.1:${web}/api/v1/query?query=${encodeURIComponent(query)}`;
        return (await (await fetch(url)).json()) as {
          status: string;
          data: { result: { value: [number, string] }[] };
        };
      };
      try {
        await expect
          .poll(
            () =>
              ask('up{job="cdc-features"}').then(
                ({ data }) => data.result[0]?.value[1],
                () => undefined,
              ),
            { timeout: 60_000 },
          )
          .toBe("1");
        await run();
        const total = samples(await once()).get(
          'cdc_features_events_total{feature_set="watched",outcome="applied"}',
        );
        const scraped = () => ask('cdc_features_events_total{feature_set="watched",outcome="applied"}');
        await expect
          .poll(async () => Number((await scraped()).data.result[0]?.value[1]), { timeout: 30_000 })
          .toBe(total);
        const panels = (dashboard().panels ?? []) as { title?: string; targets?: { expr?: string }[] }[];
        const queries = panels.flatMap(({ targets }) => (targets ?? []).map(({ expr }) => expr ?? ""));
        for (const query of queries) {
          const concrete = query.replaceAll("$feature_set", "watched").replaceAll("$__rate_interval", "1m");
          const answer = await ask(concrete);
          expect(answer.status, concrete).toBe("success");
          expect(answer.data.result.length, concrete).toBeGreaterThan(0);
        }
      } finally {
        server.kill("SIGTERM");
        await server;
        monitor.kill("SIGINT");
        expect((await monitor).exitCode).toBe(0);
      }
    },
  );

  it("watches in a terminal until it is told to end", async () => {
    const watching = startCli(projectFolder(), ["status", "--watch"]);
    let shown = "";
    watching.stdout.on("data", (text) => {
      shown += text;
    });
    await expect.poll(() => shown.split("batch took").length, { timeout: 30_000 }).toBeGreaterThan(2);
    watching.kill("SIGINT");
    expect((await watching).exitCode).toBe(0);
    expect(shown).toMatch(/watched[\s\S]*events\/s {2,}[▁▂▃▄▅▆▇█]+/);
  });
});
