/** The target compose on a real engine: healthy, recovers from lost workers and restarted servers, and leaves nothing. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { execa } from "execa";
import { Redis } from "ioredis";
import { GenericContainer, Wait } from "testcontainers";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parse } from "yaml";
import { parseDefinition } from "../../src/definition/parse-definition.ts";
import { waitFor } from "../../src/platform/waits.ts";
import { runSql } from "../../src/stack/demo-shop/index.ts";
import type { EndpointUrls } from "../../src/stack/stack.ts";
import { readEntities } from "../../src/stores/entities.ts";
import { type CliResult, cli, startCli } from "../e2e/support/cli.ts";

const ROOT = path.join(import.meta.dirname, "..", "..");
const folder = mkdtempSync(path.join(os.tmpdir(), "cdc-features-compose-"));
const TARGET = ["--target", "compose"];

const docker = async (...args: string[]) => (await execa("docker", args)).stdout.split("\n").filter(Boolean);

async function succeeds(args: string[]): Promise<CliResult> {
  const result = await cli(folder, [...args, ...TARGET]);
  expect(result.exitCode, `${args.join(" ")}\n${result.stdout}\n${result.stderr}`).toBe(0);
  return result;
}

async function isVerified(): Promise<{ online: number; offline: number; expected: number }> {
  const { stdout } = await succeeds(["verify", "customer", "--json"]);
  const [set] = JSON.parse(stdout).featureSets;
  expect(set.differences).toEqual([]);
  return set;
}

let endpoints: Record<keyof EndpointUrls, string>;
let project: string;

beforeAll(async () => {
  endpoints = JSON.parse((await succeeds(["up", "--json", "--no-demo-data"])).stdout).endpoints;
  project = JSON.parse(
    readFileSync(path.join(folder, ".cdc-features", "compose", "stack.json"), "utf8"),
  ).project;
  await runSql(
    endpoints.postgres,
    `INSERT INTO orders (customer_id, product_id, quantity, total_amount, created_at)
     SELECT 1 + i % 300, 1 + i % 12, 1 + i % 3, (i * 7.31)::numeric(12,2), now() - (i % 41) * interval '1 day'
     FROM generate_series(1, 3000) AS i`,
  );
});
afterAll(async () => {
  await cli(folder, ["down", "--purge", ...TARGET]);
  rmSync(folder, { recursive: true, force: true });
});

describe("the stack of docker-compose.yml", () => {
  it("is healthy, on 127.0.0.1 only, without root, within its limits", async () => {
    const { stdout } = await succeeds(["status", "--json"]);
    const { servers } = JSON.parse(stdout);
    expect(servers.map((one: { name: string; state: string }) => [one.name, one.state])).toEqual(
      ["postgres", "kafka", "connect", "redis", "spark-master", "spark-worker-1", "spark-worker-2"].map(
        (name) => [name, "running"],
      ),
    );
    const ids = await docker("ps", "-q", "--filter", `label=com.docker.compose.project=${project}`);
    expect(ids).toHaveLength(7);
    const containers = JSON.parse((await docker("inspect", ...ids)).join("\n")) as {
      HostConfig: { Memory: number; PortBindings: Record<string, { HostIp: string }[]> };
      Config: { Image: string };
    }[];
    const bindings = containers.flatMap(({ HostConfig }) =>
      Object.values(HostConfig.PortBindings ?? {}).flat(),
    );
    expect(bindings).toHaveLength(5);
    expect(new Set(bindings.map(({ HostIp }) => HostIp))).toEqual(new Set(["127.0.0.1"]));
    expect(containers.reduce((sum, { HostConfig }) => sum + HostConfig.Memory, 0)).toBeLessThan(
      7 * 1024 ** 3,
    );
    for (const { HostConfig, Config } of containers) {
      expect(HostConfig.Memory, Config.Image).toBeGreaterThan(0);
      expect(Config.Image).not.toMatch(/latest$/);
    }
    for (const id of ids) expect(await docker("exec", id, "id", "-u")).not.toEqual(["0"]);
  });

  it("computes features under /data/features, and both kinds of verify agree", async () => {
    const { stdout } = await succeeds(["run", "customer", "--json"]);
    expect(JSON.parse(stdout).runs[0]).toMatchObject({ featureSet: "customer", read: 3000, applied: 3000 });
    expect(await isVerified()).toMatchObject({ expected: 300, online: 300, offline: 300 });
    await succeeds(["verify", "customer", "--against", "source"]);
    const inVolume = await docker(
      "exec",
      `${project}-spark-worker-2-1`,
      "ls",
      "/data/features/customer_features",
    );
    expect(inVolume).toEqual(expect.arrayContaining([expect.stringMatching(/^\d{20}\.parquet$/)]));
    const { stdout: got } = await succeeds(["get", "customer", "42", "--json"]);
    expect(JSON.parse(got)[0]).toMatchObject({ entity: "42" });
    expect((await succeeds(["logs", "kafka"])).stdout).toContain("kafka-1");
  });

  it("goes on with one worker when the other is lost, and with restarted servers", async () => {
    await runSql(
      endpoints.postgres,
      `UPDATE orders SET total_amount = total_amount + 1 WHERE order_id % 3 = 0;
       UPDATE orders SET customer_id = customer_id % 300 + 1 WHERE order_id % 7 = 0;
       DELETE FROM orders WHERE order_id % 11 = 0`,
    );
    const running = startCli(folder, ["run", "customer", "--json", ...TARGET]);
    await executors(running);
    await docker("kill", `${project}-spark-worker-1-1`);
    const result = await running;
    expect(result.exitCode, result.stderr).toBe(0);
    // Still without that worker.
    await isVerified();

    await runSql(endpoints.postgres, "UPDATE orders SET total_amount = total_amount + 1");
    const interrupted = startCli(folder, ["run", "customer", "--json", ...TARGET]);
    await executors(interrupted);
    for (const service of ["redis", "kafka"]) await docker("restart", `${project}-${service}-1`);
    // It may have got over that, or given up.
    expect([0, 4]).toContain((await interrupted).exitCode);
    // Two sets: the second waits for the executors of the first.
    const { stdout } = await succeeds(["run", "customer", "product", "--json"]);
    expect(JSON.parse(stdout).runs[1].applied).toBeGreaterThan(2000);
    await isVerified();
    await succeeds(["verify", "product"]);
    const { stdout: status } = await succeeds(["status", "--json"]);
    expect(JSON.parse(status).servers.every(({ state }: { state: string }) => state === "running")).toBe(
      true,
    );
  });

  it("ends a continuous run when its command is killed, and shows no password meanwhile", async () => {
    const running = startCli(folder, ["run", "customer", "--continuous", ...TARGET]);
    await executors(running);
    const secrets = [new URL(endpoints.postgres).password, new URL(endpoints.redis).password];
    const top = (await docker("ps", "-q", "--filter", `label=com.docker.compose.project=${project}`)).map(
      (id) => docker("top", id, "-eo", "pid,args"),
    );
    const processes = (await Promise.all(top)).flat().join("\n");
    expect(processes).toContain("SparkSubmit");
    for (const secret of secrets) expect(processes).not.toContain(secret);
    for (const place of ["environment/", "api/v1/applications", "StreamingQuery/", "SQL/"]) {
      const page = await sparkPage(place);
      for (const secret of secrets) expect(page, place).not.toContain(secret);
    }
    const connector = await (await fetch(`${endpoints.connect}/connectors/shop/config`)).text();
    expect(connector).not.toContain(secrets[0]);
    // Looking at a run, or asking for a second one, leaves it alone.
    const job = await docker("ps", "-q", "--filter", `name=${project}-job`);
    expect(job).toHaveLength(1);
    const { stdout: shown } = await succeeds(["run", "customer", "--dry-run"]);
    expect(shown).toContain("--master spark://spark-master:7077");
    for (const secret of secrets) expect(shown).not.toContain(secret);
    const second = await cli(folder, ["run", "customer", ...TARGET]);
    expect(second.exitCode, second.stderr).toBe(2);
    expect(second.stderr).toContain("already being run");
    expect(await docker("ps", "-q", "--filter", `name=${project}-job`)).toEqual(job);
    running.kill("SIGKILL");
    await running;
    await waitFor({ what: "the job to end", timeoutMs: 120_000, intervalMs: 500 }, async () => {
      const jobs = await docker("ps", "-q", "--filter", `name=${project}-job`);
      return jobs.length === 0 ? true : undefined;
    });
    await succeeds(["run", "customer"]);
    await isVerified();
    const ids = await docker("ps", "-aq", "--filter", `label=com.docker.compose.project=${project}`);
    for (const id of ids) {
      const { all } = await execa("docker", ["logs", id], { all: true });
      for (const secret of secrets) expect(all, id).not.toContain(secret);
    }
  });

  it("stops and starts with what it holds, and is purged without a trace", async () => {
    // A job that never gets anywhere, of a command that is gone.
    const running = startCli(folder, ["run", "customer", "--continuous", ...TARGET]);
    await executors(running);
    for (const worker of [1, 2]) await docker("kill", `${project}-spark-worker-${worker}-1`);
    running.kill("SIGKILL");
    await running;
    await succeeds(["down"]);
    expect(await docker("ps", "-aq", "--filter", `label=com.docker.compose.project=${project}`)).toEqual([]);
    await succeeds(["up"]);
    await isVerified();
    await succeeds(["down", "--purge"]);
    const filter = ["--filter", `label=com.docker.compose.project=${project}`];
    expect(await docker("ps", "-aq", ...filter)).toEqual([]);
    expect(await docker("volume", "ls", "-q", ...filter)).toEqual([]);
    expect(await docker("network", "ls", "-q", ...filter)).toEqual([]);
  });
});

describe("the compose file", () => {
  it("is taken by every compose at hand, without a variable", async () => {
    const file = path.join(ROOT, "docker-compose.yml");
    for (const command of [["docker", "compose"], ["docker-compose"]]) {
      const [program = "", ...before] = command;
      const version = await execa(program, [...before, "version"], { reject: false });
      if (version.failed) continue;
      const config = await execa(program, [...before, "-f", file, "config"], { reject: false });
      expect(config.exitCode, config.stderr).toBe(0);
      expect(Object.keys(parse(config.stdout).services)).toContain("spark-worker-2");
    }
  });

  it("names an image of Redis that serves features as ours do", async () => {
    const [, image = ""] =
      /image: (redis:\S+)/.exec(readFileSync(path.join(ROOT, "docker-compose.yml"), "utf8")) ?? [];
    const container = await new GenericContainer(image)
      .withExposedPorts(6379)
      .withCommand(["redis-server", "--protected-mode", "no"])
      .withWaitStrategy(Wait.forListeningPorts())
      .start();
    try {
      const url = `redis://${container.getHost()}:${container.getMappedPort(6379)}/0`;
      const redis = new Redis(url);
      await redis.hset("customer:1:features", { order_count_30d: "3", _version: "1" });
      redis.disconnect();
      const file = path.join(ROOT, "features", "customer.yaml");
      const { featureSet } = parseDefinition(readFileSync(file, "utf8"), file);
      if (featureSet === undefined) throw new Error("no feature set");
      const options = { redis: { url }, offlineRoot: folder, scratch: folder, now: new Date() };
      const [found] = await readEntities(featureSet, ["1"], options);
      expect(found?.features.order_count_30d).toBe(3);
    } finally {
      await container.stop();
    }
  });
});

/** Of the driver, once Spark is up; all of them name the job. */
async function sparkPage(place: string): Promise<string> {
  const command = ["exec", `${project}-job-customer`, "wget", "-qO-", `http://127.0.0.1:4040/${place}`];
  return waitFor({ what: `Spark's page ${place}`, timeoutMs: 60_000, intervalMs: 500 }, async () => {
    const page = (await docker(...command).catch(() => [])).join("\n");
    return page.includes("customer") ? page : undefined;
  });
}

/** Waits until the job has executors on both workers. */
async function executors(run: PromiseLike<CliResult>): Promise<void> {
  let ended: CliResult | undefined;
  void run.then((result) => {
    ended = result;
  });
  const state = JSON.parse(readFileSync(path.join(folder, ".cdc-features", "compose", "stack.json"), "utf8"));
  await waitFor({ what: "executors on both workers", timeoutMs: 180_000, intervalMs: 300 }, async () => {
    if (ended !== undefined) throw new Error(`the run ended: ${ended.stderr}`);
    const { workers } = (await (await fetch(`http://127.0.0.1:${state.ports.spark}/json/`)).json()) as {
      workers: { state: string; coresused: number }[];
    };
    return workers.filter((one) => one.state === "ALIVE" && one.coresused > 0).length === 2
      ? true
      : undefined;
  });
}
