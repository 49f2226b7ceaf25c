/**
 * The target external on a real YARN, stores and checkpoints on its HDFS. Containers see neither the project nor the library
 * nor the packed Python where they may be hidden (as root), so that all of it has to travel.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { Redis } from "ioredis";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { silent } from "../../src/platform/progress.ts";
import { waitFor } from "../../src/platform/waits.ts";
import { runSql } from "../../src/stack/demo-shop/index.ts";
import { homeOf, PACKAGE_ROOT } from "../../src/stack/home.ts";
import { packedPython } from "../../src/stack/setup/packed-python.ts";
import type { SparkInstallation } from "../../src/stack/setup/spark.ts";
import type { EndpointUrls } from "../../src/stack/stack.ts";
import { type CliResult, cli, startCli } from "./support/cli.ts";
import { hadoopClassPath, startYarn, type Yarn } from "./support/yarn.ts";

const ORDERS = `
  INSERT INTO orders (customer_id, product_id, quantity, total_amount, created_at)
  SELECT 1 + i % 300, 1 + i % 12, 1 + i % 3, (i * 7.31)::numeric(12,2), now() - (i % 41) * interval '1 day'
  FROM generate_series(1, 3000) AS i`;
const CHANGES = `
  UPDATE orders SET total_amount = total_amount + 1 WHERE order_id % 3 = 0;
  UPDATE orders SET customer_id = customer_id % 300 + 1 WHERE order_id % 7 = 0;
  DELETE FROM orders WHERE order_id % 11 = 0`;

const folder = mkdtempSync(path.join(os.tmpdir(), "cdc-features-yarn-"));
/** With an embedded stack of its own, whose servers are the ones of others here. */
const project = path.join(folder, "project");
mkdirSync(project);
let own: Record<keyof EndpointUrls, string>;
let installation: SparkInstallation;
let yarn: Yarn | undefined;
let missing = "";

beforeAll(async () => {
  const up = await cli(project, ["up", "--no-demo-data", "--json"]);
  expect(up.exitCode, up.stderr).toBe(0);
  own = JSON.parse(up.stdout).endpoints;
  await runSql(own.postgres, ORDERS);
  installation = JSON.parse(readFileSync(path.join(project, ".cdc-features", "installation.json"), "utf8"));
  const found = await hadoopClassPath(installation);
  if ("missing" in found) {
    missing = found.missing;
    return;
  }
  const python = path.join(installation.venv, "bin", "python");
  const archive = await packedPython(homeOf(project, process.env), python, silent);
  const hidden = [project, path.join(PACKAGE_ROOT, "spark-jobs"), path.dirname(archive)];
  yarn = await startYarn(path.join(folder, "yarn"), installation, found.classPath, hidden);
});
beforeEach((test) => {
  if (yarn === undefined) test.skip(missing);
});
afterAll(async () => {
  await yarn?.stop();
  await cli(project, ["down", "--purge"]);
  rmSync(folder, { recursive: true, force: true });
});

const DATABASES = { client: 1, cluster: 2 };

/** Writes a profile and gives the arguments that choose it. */
function profile(deployMode: keyof typeof DATABASES): string[] {
  const { conf, hdfs } = yarn as Yarn;
  const { host, username } = new URL(own.postgres);
  const java = "-XX:+UseSerialGC -XX:TieredStopAtLevel=1";
  const at = (place: string) => `${hdfs}/${deployMode}/${place}`;
  const content = {
    kafka: { brokers: [own.kafka], topic_prefix: "shop" },
    redis: { nodes: [new URL(own.redis).host], database: DATABASES[deployMode] },
    postgres: { host, database: "shop", username, password: { env: "PG_PASSWORD" }, slot: "cdc_features" },
    spark: {
      master: "yarn",
      deploy_mode: deployMode,
      env: { HADOOP_CONF_DIR: conf, SPARK_LOCAL_IP: "127.0.0.1" },
      conf: {
        // Spark would upload all of its 460 MB otherwise.
        "spark.yarn.jars": `local:${installation.sparkHome}/jars/*`,
        "spark.yarn.appMasterEnv.SPARK_LOCAL_IP": "127.0.0.1",
        "spark.driver.memory": "512m",
        "spark.executor.memory": "512m",
        "spark.executor.memoryOverhead": "768m",
        "spark.executor.instances": 1,
        "spark.executor.cores": 2,
        "spark.driver.extraJavaOptions": java,
        "spark.executor.extraJavaOptions": java,
      },
    },
    storage: { offline: at("features"), checkpoints: at("checkpoints"), dead_letters: at("dead-letters") },
  };
  const file = path.join(folder, `${deployMode}.yaml`);
  writeFileSync(file, JSON.stringify(content));
  return ["--target", "external", "--profile", file];
}

function environment(): Record<string, string> {
  return { PG_PASSWORD: new URL(own.postgres).password };
}

async function succeeds(args: string[]): Promise<CliResult> {
  const result = await cli(project, args, environment());
  expect(result.exitCode, `${args.join(" ")}\n${result.stdout}\n${result.stderr}`).toBe(0);
  return result;
}

async function verified(target: string[]): Promise<void> {
  const { stdout } = await succeeds(["verify", "customer", "--json", ...target]);
  const [report] = JSON.parse(stdout).featureSets;
  expect(report.differences).toEqual([]);
  expect(report.online).toBeGreaterThan(250);
}

describe("customer features on YARN and HDFS", () => {
  it("are made where containers see nothing of this machine's folders", (test) => {
    const seen = (yarn as Yarn).seen();
    test.skip(seen === undefined, "this user may not hide folders");
    expect(seen).toEqual([]);
  });

  it("come by a driver here and executors in containers", async () => {
    const target = profile("client");
    const { stdout } = await succeeds(["run", "customer", "--json", ...target]);
    expect(JSON.parse(stdout).runs[0]).toMatchObject({ read: 3000, applied: 3000 });
    await verified(target);
  });

  it("come by a driver in a container, go on when YARN has to start it again, and end at Ctrl-C", async () => {
    const target = profile("cluster");
    await runSql(own.postgres, CHANGES);
    const redis = new Redis(new URL(`/${DATABASES.cluster}`, own.redis).href);
    let ended: CliResult | undefined;
    const until = (what: string, holds: () => Promise<boolean>) =>
      waitFor({ what, timeoutMs: 240_000, intervalMs: 50 }, async () => {
        if (ended !== undefined) throw new Error(`the run ended: ${ended.stderr}`);
        return (await holds()) || undefined;
      });
    const running = startCli(
      project,
      ["run", "customer", "--continuous", "--json", ...target],
      environment(),
    );
    void running.then((result) => {
      ended = result;
    });
    try {
      await until("keys of the first batch", async () => (await redis.dbsize()) > 0);
      process.kill((yarn as Yarn).applicationMaster() as number, "SIGKILL");
      await runSql(own.postgres, "INSERT INTO orders (customer_id, total_amount) VALUES (777, 12.50)");
      await until("what came after", async () => (await redis.exists("customer:777:features")) === 1);
    } finally {
      running.kill("SIGINT");
      // Also when something here failed: its application is not to outlive the cluster.
      await running;
      redis.disconnect();
    }
    const result = await running;
    expect(result.exitCode, result.stderr).toBe(0);
    // As the second driver has left it on HDFS.
    expect(JSON.parse(result.stdout).runs[0].deadLetters).toBe(0);
    expect((yarn as Yarn).attempts()).toBe(2);
    await verified(target);
  });
});
