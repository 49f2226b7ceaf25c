/**
 * The target external on a standalone Spark cluster of real processes: workers and drivers that are lost, servers that ask for
 * TLS and passwords, and passwords that are nowhere to be seen.
 */
import { createHash, createPrivateKey } from "node:crypto";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { AclOperationTypes, AclPermissionTypes, AclResourceTypes, ResourcePatternTypes } from "kafkajs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { clientOf, readTopic } from "../../src/platform/kafka.ts";
import { waitFor } from "../../src/platform/waits.ts";
import { runSql } from "../../src/stack/demo-shop/index.ts";
import type { EndpointUrls } from "../../src/stack/stack.ts";
import { makeAuthority, makeCertificate } from "../support/certificates.ts";
import { startBroker, type TestBroker } from "../support/kafka-broker.ts";
import { startTlsRedis, type TestRedis } from "../support/redis-server.ts";
import { type CliResult, cli, startCli } from "./support/cli.ts";
import { freePort, type SparkCluster, startSparkCluster } from "./support/spark-cluster.ts";

const ORDERS = `
  INSERT INTO orders (customer_id, product_id, quantity, total_amount, created_at)
  SELECT 1 + i % 300, 1 + i % 12, 1 + i % 3, (i * 7.31)::numeric(12,2), now() - (i % 41) * interval '1 day'
  FROM generate_series(1, 3000) AS i`;
const CHANGES = `
  UPDATE orders SET total_amount = total_amount + 1 WHERE order_id % 3 = 0;
  UPDATE orders SET customer_id = customer_id % 300 + 1 WHERE order_id % 7 = 0;
  DELETE FROM orders WHERE order_id % 11 = 0`;

const ROOT = path.join(import.meta.dirname, "..", "..");
const folder = mkdtempSync(path.join(os.tmpdir(), "cdc-features-external-"));
/** With an embedded stack of its own, whose servers are the ones of others here. */
const project = path.join(folder, "project");
mkdirSync(project);
let own: Record<keyof EndpointUrls, string>;
let cluster: SparkCluster;
/** That is on every machine; unpacking one takes an executor some seconds. */
let python: object;

beforeAll(async () => {
  const up = await cli(project, ["up", "--no-demo-data", "--json"]);
  expect(up.exitCode, up.stderr).toBe(0);
  own = JSON.parse(up.stdout).endpoints;
  await runSql(own.postgres, ORDERS);
  const installation = JSON.parse(
    readFileSync(path.join(project, ".cdc-features", "installation.json"), "utf8"),
  );
  const { kafka, spark } = installation.jars;
  python = { executable: path.join(installation.venv, "bin", "python") };
  const hidden = [kafka, spark, path.join(ROOT, "spark-jobs"), path.join(project, ".cdc-features")];
  cluster = await startSparkCluster(path.join(folder, "spark"), { ...installation, hidden });
  await cluster.startWorker("a");
  await cluster.startWorker("b");
});
afterAll(async () => {
  await cluster?.stop();
  await cli(project, ["down", "--purge"]);
  rmSync(folder, { recursive: true, force: true });
});

interface Servers {
  kafka: object;
  redis: object;
  conf?: Record<string, unknown>;
  deployMode?: string;
  python?: object;
}

/** Writes a profile and gives the arguments that choose it. */
async function profile(name: string, servers: Servers): Promise<string[]> {
  const { postgres } = own;
  const { host, username } = new URL(postgres);
  const at = (place: string) => path.join(folder, name, place);
  const content = {
    kafka: { topic_prefix: "shop", ...servers.kafka },
    redis: servers.redis,
    postgres: { host, database: "shop", username, password: { env: "PG_PASSWORD" }, slot: "cdc_features" },
    spark: {
      master: cluster.master,
      deploy_mode: servers.deployMode ?? "client",
      python: servers.python ?? python,
      env: { SPARK_LOCAL_IP: "127.0.0.1" },
      conf: {
        "spark.driver.memory": "512m",
        "spark.executor.memory": "512m",
        "spark.executor.cores": "1",
        "spark.cores.max": "2",
        "spark.driver.extraJavaOptions": "-XX:+UseSerialGC -XX:TieredStopAtLevel=1",
        "spark.executor.extraJavaOptions": "-XX:+UseSerialGC -XX:TieredStopAtLevel=1",
        ...servers.conf,
      },
    },
    storage: { offline: at("features"), checkpoints: at("checkpoints"), dead_letters: at("dead-letters") },
  };
  const file = path.join(project, `${name}.yaml`);
  writeFileSync(file, JSON.stringify(content));
  return ["--target", "external", "--profile", file];
}

async function plain(name: string, more: Partial<Servers> = {}): Promise<string[]> {
  const { kafka, redis } = own;
  const { host } = new URL(redis);
  // A database of its own for each: the embedded stack's features are in the first.
  const database = (names.indexOf(name) + 1 || names.push(name)) + 1;
  return profile(name, { kafka: { brokers: [kafka] }, redis: { nodes: [host], database }, ...more });
}
const names: string[] = [];

function environment(): Record<string, string> {
  return { PG_PASSWORD: new URL(own.postgres).password };
}

async function succeeds(args: string[], env: Record<string, string> = {}) {
  const result = await cli(project, args, { ...environment(), ...env });
  expect(result.exitCode, `${args.join(" ")}\n${result.stdout}\n${result.stderr}`).toBe(0);
  return result;
}

describe("customer features on a standalone cluster", () => {
  it("are made where workers see nothing of this machine's folders", (test) => {
    const seen = cluster.seen();
    test.skip(seen === undefined, "this user may not hide folders");
    expect(seen).toEqual([]);
  });

  it("survive a worker that is lost in the middle, with the Python environment that travels", async () => {
    const target = await plain("client", { python: { archive: "packed" } });
    const running = startCli(project, ["run", "customer", "--json", ...target], environment());
    await executorsOf(cluster, 2, running);
    await cluster.killWorker("a");
    const result = await running;
    expect(result.exitCode, result.stderr).toBe(0);
    expect(JSON.parse(result.stdout).runs[0]).toMatchObject({ read: 3000, applied: 3000 });
    const { report } = await verified(target);
    expect(report.featureSets[0]).toMatchObject({ differences: [] });
    expect(report.featureSets[0].online).toBeGreaterThan(250);
    await cluster.startWorker("a");
  });

  it("go on behind a driver that was killed", async () => {
    const target = await plain("client");
    await runSql(own.postgres, CHANGES);
    const running = startCli(project, ["run", "customer", "--continuous", ...target], environment());
    const pid = await driverOf("client", "customer");
    await executorsOf(cluster, 2, running);
    await new Promise((resolve) => setTimeout(resolve, 4_000));
    process.kill(-pid, "SIGKILL");
    expect((await running).exitCode).toBe(4);
    const { stdout } = await succeeds(["run", "customer", "--json", ...target]);
    expect(JSON.parse(stdout).runs[0].deadLetters).toBe(0);
    await verified(target);
  });

  it("outlive a broker and a Redis that are killed in the middle of a batch", async () => {
    const target = await plain("client");
    await runSql(own.postgres, CHANGES);
    const running = startCli(project, ["run", "customer", "--json", ...target], environment());
    await executorsOf(cluster, 2, running);
    const { stdout: status } = await cli(project, ["status", "--json"]);
    for (const { name, pid } of JSON.parse(status).servers as { name: string; pid: number }[])
      if (name === "kafka" || name === "redis") process.kill(pid, "SIGKILL");
    const up = await cli(project, ["up", "--json"]);
    expect(up.exitCode, up.stderr).toBe(0);
    // It may have got over that, or given up.
    expect([0, 4]).toContain((await running).exitCode);
    await succeeds(["run", "customer", ...target]);
    await verified(target);
  });

  it("come by a driver in the cluster, and by one only: it ends when the next begins, should its command be killed", async () => {
    const target = await plain("cluster", { deployMode: "cluster", python: { archive: "packed" } });
    const running = startCli(project, ["run", "customer", "--continuous", ...target], environment());
    const pid = await driverOf("cluster", "customer");
    // The driver has a core, too.
    await executorsOf(cluster, 3, running);
    running.kill("SIGKILL");
    process.kill(-pid, "SIGKILL");
    await running;
    expect(await driversOf(cluster)).toBe(1);
    await runSql(own.postgres, CHANGES);
    const { stdout } = await succeeds(["run", "customer", "--json", ...target]);
    expect(JSON.parse(stdout).runs[0].deadLetters).toBe(0);
    expect(await driversOf(cluster)).toBe(0);
    await verified(target);

    const broken = ["--conf", "spark.executor.memory=1k", ...target];
    const failed = await cli(project, ["run", "customer", ...broken], environment());
    expect(failed.exitCode).toBe(4);
    expect(failed.stderr).toContain("own log is in the cluster");
  });
});

async function driversOf({ webPort }: SparkCluster): Promise<number> {
  const state = (await (await fetch(`http://127.0.0.1:${webPort}/json/`)).json()) as {
    activedrivers: unknown[];
  };
  return state.activedrivers.length;
}

async function verified(target: string[], env: Record<string, string> = {}) {
  const { stdout } = await succeeds(["verify", "customer", "--json", ...target], env);
  return { report: JSON.parse(stdout) };
}

/** Waits until the running application has so many executors. */
async function executorsOf(
  { webPort }: SparkCluster,
  count: number,
  run: PromiseLike<CliResult>,
): Promise<void> {
  let ended: CliResult | undefined;
  void run.then((result) => {
    ended = result;
  });
  await waitFor({ what: `${count} executors`, timeoutMs: 120_000, intervalMs: 200 }, async () => {
    if (ended !== undefined) throw new Error(`the run ended: ${ended.stderr}`);
    const state = (await (await fetch(`http://127.0.0.1:${webPort}/json/`)).json()) as {
      workers: { state: string; coresused: number }[];
    };
    const used = state.workers
      .filter((one) => one.state === "ALIVE")
      .reduce((n, one) => n + one.coresused, 0);
    return used >= count ? true : undefined;
  });
}

async function driverOf(name: string, set: string): Promise<number> {
  const file = path.join(project, ".cdc-features", "external", name, "runs", set, "job.json");
  return waitFor({ what: "the driver's process", timeoutMs: 60_000, intervalMs: 100 }, async () => {
    try {
      return JSON.parse(readFileSync(file, "utf8")).pid as number;
    } catch {
      return undefined;
    }
  });
}

/** Each is in one secret place, and in no other. */
const CANARIES = {
  KAFKA_PASSWORD: 'canary-kafka-"q"\\b) ]x',
  REDIS_PASSWORD: "canary-redis-#/é",
  S3_KEY: "canary-s3-key",
  PIN: "canary-pin-setting",
};

describe.skipIf(process.env.CDC_FEATURES_TEST_KAFKA_JARS === undefined)(
  "secrets of a secured Kafka and Redis",
  () => {
    let broker: TestBroker;
    let redis: TestRedis | undefined;
    let secured: Servers;
    /** Of the driver's web interface. */
    let uiPort: number;
    /** Some of the client's key, as its file has it and as Java reads it. */
    let keyLines: string[];
    const servers = path.join(folder, "secured-servers");

    beforeAll(async () => {
      mkdirSync(servers);
      const authority = makeAuthority(servers, "authority");
      const certificate = makeCertificate(servers, "server", authority, ["IP:127.0.0.1"]);
      const client = makeCertificate(servers, "client", authority, ["DNS:client"]);
      const key = createPrivateKey(client.key).export({ type: "pkcs1", format: "pem" }) as string;
      const keyFile = path.join(servers, "pkcs1.key");
      writeFileSync(keyFile, key);
      keyLines = [key, client.key].flatMap((pem) => pem.split("\n").slice(5, 7));
      const scram = { cdc: CANARIES.KAFKA_PASSWORD };
      broker = await startBroker({ folder: servers, authority, certificate, scram, plain: {} });
      await fillTopic(broker.internal, own.kafka);
      const hash = createHash("sha256").update(CANARIES.REDIS_PASSWORD).digest("hex");
      const acl = [
        ["default", "off"],
        ["cdc", "on", `#${hash}`, "~*", "&*", "+@all"],
      ];
      redis = await startTlsRedis(
        { ca: authority.file, certificate: certificate.file, key: certificate.keyFile },
        acl,
      );
      uiPort = await freePort();
      const eventLog = path.join(folder, "events");
      mkdirSync(eventLog);
      secured = {
        kafka: {
          brokers: [broker.users],
          sasl: { mechanism: "scram-sha-512", username: "cdc", password: { env: "KAFKA_PASSWORD" } },
          tls: { ca: authority.file, certificate: client.file, key: keyFile },
        },
        redis: {
          nodes: [new URL(redis?.url ?? "redis://127.0.0.1:1").host],
          username: "cdc",
          password: { env: "REDIS_PASSWORD" },
          tls: { ca: authority.file },
        },
        conf: {
          "spark.eventLog.enabled": true,
          "spark.eventLog.dir": `file://${eventLog}`,
          "spark.ui.port": uiPort,
        },
      };
    });
    afterAll(async () => {
      await broker.stop();
      await redis?.stop();
    });

    it("are in no process's arguments, rendered job, log, page of Spark's, or message", async (test) => {
      if (redis === undefined) test.skip("no Redis with TLS is at hand: install redis-server");
      const seen = new Lookout([
        ...Object.values(CANARIES),
        environment().PG_PASSWORD as string,
        ...keyLines,
      ]);
      const target = await profile("secured", {
        ...secured,
        conf: {
          ...secured.conf,
          "spark.hadoop.fs.s3a.secret.key": { env: "S3_KEY" },
          "spark.cdc.pin": { env: "PIN" },
        },
      });
      const inCluster = await profile("secured-cluster", { ...secured, deployMode: "cluster" });
      for (const [args, name] of [
        [target, "secured"],
        [inCluster, "secured-cluster"],
      ] as const) {
        const watching = new AbortController();
        const watch = watchEverything(seen, name, `http://127.0.0.1:${uiPort}`, watching.signal);
        const said = await succeeds(["run", "customer", "--json", ...args], CANARIES);
        watching.abort();
        await watch;
        expect(JSON.parse(said.stdout).runs[0].applied).toBeGreaterThanOrEqual(3000);
        seen.look("run", said.stdout + said.stderr);
      }
      for (const name of ["secured", "secured-cluster"]) {
        const pages = [expect.stringContaining(`${name} /api/v1/applications/`), `${name} /environment/`];
        expect(seen.places).toEqual(expect.arrayContaining(pages));
      }
      await verified(target, CANARIES);

      for (const args of [["doctor"], ["status"], ["up", "--json"], ["run", "customer", "--dry-run"]]) {
        const { stdout, stderr } = await succeeds([...args, ...target], CANARIES);
        seen.look(args.join(" "), stdout + stderr);
      }
      for (const name of ["KAFKA_PASSWORD", "REDIS_PASSWORD"]) {
        // Near enough to the right one that a message with it would be found.
        const wrong = { ...CANARIES, [name]: `${CANARIES[name as keyof typeof CANARIES]}-wrong` };
        for (const command of ["run", "verify"]) {
          const { exitCode, stdout, stderr } = await cli(project, [command, "customer", ...target], {
            ...environment(),
            ...wrong,
          });
          expect(exitCode, stderr).toBe(3);
          seen.look(`${command} with a wrong ${name}`, stdout + stderr);
        }
      }
      for (const root of [
        cluster.folder,
        path.join(folder, "events"),
        ...["secured", "secured-cluster"].flatMap((name) => [path.join(folder, name), stateOf(name)]),
      ]) {
        for (const [name, content] of filesIn(root)) seen.look(name, content);
      }
      expect(seen.found).toEqual([]);
      expect(seen.places.length).toBeGreaterThan(30);
    });
  },
);

/** Looks for secrets in whatever it is shown, and remembers no more than where it looked. */
class Lookout {
  readonly #texts: string[];
  readonly #places = new Set<string>();
  readonly #found = new Set<string>();

  constructor(secrets: string[]) {
    // As they are, in a URL, and in the configuration of Java's login; each of them also within JSON.
    const forms = secrets.flatMap((one) => [one, encodeURIComponent(one), one.replace(/["\\]/g, "\\$&")]);
    this.#texts = [...forms, ...forms.map((form) => JSON.stringify(form).slice(1, -1))];
  }

  look(place: string, content: string | Buffer): void {
    this.#places.add(place);
    if (this.#texts.some((text) => content.includes(text))) this.#found.add(place);
  }

  get places(): string[] {
    return [...this.#places];
  }

  get found(): string[] {
    return [...this.#found];
  }
}

/** The embedded stack's log in another broker, with what the user `cdc` may do there. */
async function fillTopic(brokers: string, source: string): Promise<void> {
  const topic = "shop.public.orders";
  const target = clientOf({ brokers });
  const admin = target.admin();
  await admin.connect();
  await admin.createTopics({ topics: [{ topic, numPartitions: 2 }] });
  const right = (resourceType: AclResourceTypes, resourceName: string, operation: AclOperationTypes) => ({
    ...{ resourceType, resourceName, operation, principal: "User:cdc", host: "*" },
    ...{ resourcePatternType: ResourcePatternTypes.PREFIXED, permissionType: AclPermissionTypes.ALLOW },
  });
  await admin.createAcls({
    acl: [
      right(AclResourceTypes.TOPIC, "shop.", AclOperationTypes.READ),
      right(AclResourceTypes.TOPIC, "shop.", AclOperationTypes.DESCRIBE),
      right(AclResourceTypes.GROUP, "cdc-features-verify", AclOperationTypes.READ),
      right(AclResourceTypes.GROUP, "cdc-features-verify", AclOperationTypes.DELETE),
    ],
  });
  await admin.disconnect();
  const producer = target.producer();
  await producer.connect();
  const sends: Promise<unknown>[] = [];
  // Keys are of no use to a job.
  await readTopic(
    { kafka: { brokers: source }, topic },
    {
      begin: () => {},
      record: ({ partition, value }) => {
        const messages = [{ partition, value: value === null ? null : Buffer.from(value) }];
        sends.push(producer.send({ topic, messages }));
      },
    },
  );
  await Promise.all(sends);
  await producer.disconnect();
}

/** Looks at all processes' arguments and at the driver's web interface until the signal fires. */
async function watchEverything(seen: Lookout, name: string, ui: string, signal: AbortSignal): Promise<void> {
  const ownPid = String(process.pid);
  while (!signal.aborted) {
    for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name) && name !== ownPid)) {
      try {
        const command = readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ");
        seen.look(`process ${pid} ${command.slice(0, 40)}`, command);
      } catch {
        // It has ended.
      }
    }
    await readInterface(ui, name, seen);
    await new Promise((resolve) => setTimeout(resolve, 1_000));
  }
}

async function readInterface(ui: string, name: string, seen: Lookout): Promise<void> {
  const get = async (page: string) => {
    const answer = await fetch(`${ui}${page}`).catch(() => undefined);
    const content = answer?.ok ? await answer.text() : undefined;
    if (content !== undefined) seen.look(`${name} ${page}`, content);
    return content;
  };
  const told = (await get("/api/v1/applications")) ?? "";
  // While it starts it answers that, in words.
  const applications: { id: string }[] = told.startsWith("[") ? JSON.parse(told) : [];
  for (const { id } of applications) {
    for (const page of [
      "environment",
      "jobs",
      "stages",
      "allexecutors",
      "sql?details=true&planDescription=true",
    ])
      await get(`/api/v1/applications/${id}/${page}`);
  }
  for (const page of ["/environment/", "/jobs/", "/SQL/", "/StreamingQuery/", "/SQL/execution/?id=0"])
    await get(page);
}

function stateOf(name: string): string {
  return path.join(project, ".cdc-features", "external", name);
}

/** All but the two files that hold secrets for Spark and the job, which are for the user alone. */
function* filesIn(root: string): Generator<[string, Buffer]> {
  for (const name of readdirSync(root, { recursive: true, encoding: "utf8" })) {
    // The unpacked Python of each executor is some 500 MB.
    if (name.includes("environment/lib/")) continue;
    const file = path.join(root, name);
    const status = statSync(file);
    if (/\/(settings\.json|spark\.properties)$/.test(file)) expect(status.mode & 0o077, file).toBe(0);
    else if (status.isFile()) yield [file, readFileSync(file)];
  }
}
