/** A real Redis or Valkey for a test file: one server, one with TLS, or a cluster. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { Redis } from "ioredis";
import type { RedisConnection } from "../../src/platform/connections.ts";
import { isFree } from "../../src/platform/ports.ts";
import { redisAnswers } from "../../src/platform/redis.ts";
import { waitFor } from "../../src/platform/waits.ts";

export interface TestRedis {
  url: string;
  stop(): Promise<void>;
}

const QUIET = ["--bind", "127.0.0.1", "--save", "", "--appendonly", "no"];

/** The program is CDC_FEATURES_TEST_REDIS_SERVER, else redis-server or valkey-server on PATH. */
export async function startRedis(given?: number): Promise<TestRedis> {
  const port = given ?? (await freePort());
  const server = await start(["--port", String(port), ...QUIET]);
  if (server === undefined)
    throw new Error(
      `cannot start ${PROGRAMS}: set CDC_FEATURES_TEST_REDIS_SERVER to a redis-server or valkey-server`,
    );
  const url = `redis://127.0.0.1:${port}/0`;
  await answers({ url });
  return { url, stop: () => stop(server) };
}

/** Files. */
export interface Certificates {
  ca: string;
  certificate: string;
  key: string;
}

/** With these users alone, each as ACL SETUSER takes it. Undefined where no server at hand was built with TLS. */
export async function startTlsRedis(
  { ca, certificate, key }: Certificates,
  users: string[][],
): Promise<TestRedis | undefined> {
  const port = await freePort();
  const tls = ["--tls-port", String(port), "--tls-auth-clients", "no", "--port", "0"];
  const files = ["--tls-ca-cert-file", ca, "--tls-cert-file", certificate, "--tls-key-file", key];
  const acl = users.flatMap((user) => ["--user", ...user]);
  const server = await start([...tls, ...files, ...acl, ...QUIET]);
  return server && { url: `rediss://127.0.0.1:${port}/0`, stop: () => stop(server) };
}

export interface TestCluster {
  connection: RedisConnection;
  nodes: ClusterNode[];
  stop(): Promise<void>;
}

export interface ClusterNode {
  port: number;
  id: string;
  /** To this node alone. */
  redis: Redis;
}

const SLOTS = 16_384;

/** Three primaries without replicas, each with a third of the slots. */
export async function startCluster(): Promise<TestCluster> {
  const folder = await mkdtemp(path.join(os.tmpdir(), "cdc-features-cluster-"));
  const servers: ChildProcess[] = [];
  const nodes: ClusterNode[] = [];
  for (let i = 0; i < 3; i += 1) {
    const port = await freePort();
    const file = path.join(folder, `nodes-${port}.conf`);
    const cluster = [
      "--cluster-enabled",
      "yes",
      "--cluster-config-file",
      file,
      "--cluster-port",
      String(await freePort()),
    ];
    const server = await start(["--port", String(port), ...cluster, ...QUIET]);
    if (server === undefined) throw new Error(`cannot start ${PROGRAMS}`);
    servers.push(server);
    const redis = new Redis({ port, host: "127.0.0.1", retryStrategy: (n) => Math.min(50 * n, 500) });
    await redis.call(
      "CLUSTER",
      "ADDSLOTSRANGE",
      Math.ceil((SLOTS * i) / 3),
      Math.ceil((SLOTS * (i + 1)) / 3) - 1,
    );
    nodes.push({ port, id: String(await redis.call("CLUSTER", "MYID")), redis });
  }
  const [first, ...others] = nodes as [ClusterNode, ...ClusterNode[]];
  for (const { redis, port } of others) {
    const bus = /@(\d+)/.exec(String(await redis.call("CLUSTER", "NODES")))?.[1] as string;
    await first.redis.call("CLUSTER", "MEET", "127.0.0.1", port, bus);
  }
  await waitFor({ what: "the cluster to agree", timeoutMs: 20_000 }, async () => {
    const infos = await Promise.all(nodes.map(({ redis }) => redis.call("CLUSTER", "INFO")));
    const slots = await Promise.all(
      nodes.map(({ redis }) => redis.call("CLUSTER", "SLOTS") as Promise<unknown[]>),
    );
    return (
      (infos.every((info) => /state:ok/.test(String(info))) && slots.every(({ length }) => length === 3)) ||
      undefined
    );
  });
  return {
    connection: { url: `redis://127.0.0.1:${first.port}/0`, cluster: true },
    nodes,
    stop: async () => {
      for (const { redis } of nodes) redis.disconnect();
      await Promise.all(servers.map(stop));
      await rm(folder, { recursive: true, force: true });
    },
  };
}

const PROGRAMS = [process.env.CDC_FEATURES_TEST_REDIS_SERVER ?? [], "redis-server", "valkey-server"].flat();

/** The first of the programs that goes on running with these settings. */
async function start(settings: string[]): Promise<ChildProcess | undefined> {
  for (const program of PROGRAMS) {
    const server = spawn(program, settings, { stdio: ["ignore", "pipe", "ignore"] });
    const isUp = await Promise.race([
      once(server, "error").then(() => false),
      once(server, "exit").then(() => false),
      new Promise<boolean>((resolve) =>
        server.stdout.on(
          "data",
          (text) => /ready to accept connections/i.test(String(text)) && resolve(true),
        ),
      ),
    ]);
    if (isUp) return server;
  }
  return undefined;
}

function answers(connection: RedisConnection): Promise<true> {
  return waitFor(
    { what: `a Redis at ${connection.url}`, timeoutMs: 10_000 },
    async () => (await redisAnswers(connection)) || undefined,
  );
}

async function stop(server: ChildProcess): Promise<void> {
  const ended = once(server, "exit");
  server.kill();
  await ended;
}

async function freePort(): Promise<number> {
  for (;;) {
    const port = 20_000 + Math.floor(Math.random() * 12_000);
    if (await isFree(port)) return port;
  }
}
