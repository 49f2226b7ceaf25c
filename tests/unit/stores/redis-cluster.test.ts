import { access, mkdtemp, rm, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { clusterSlot } from "../../../src/definition/cluster-slot.ts";
import { onlineKey, windowsKey } from "../../../src/definition/feature-set.ts";
import { deleteKeys, keysOf, withRedis } from "../../../src/platform/redis.ts";
import { type OnlineEntry, readHashes, scanOnlineStore } from "../../../src/stores/online.ts";
import { forget } from "../../../src/submit/rebuild.ts";
import { type ClusterNode, startCluster, type TestCluster } from "../../support/redis-server.ts";
import { customer } from "../verify/sets.ts";

const ENTITIES = ["1", "2", "a{b", "a}b", "{a}b", "a{b}c", "}", "{}", "ü}", "日}本 x"];

let cluster: TestCluster;
let folder: string;

beforeAll(async () => {
  cluster = await startCluster();
  folder = await mkdtemp(path.join(os.tmpdir(), "cdc-features-cluster-test-"));
}, 60_000);

afterAll(async () => {
  await cluster.stop();
  await rm(folder, { recursive: true, force: true });
});

beforeEach(() =>
  withRedis(cluster.connection, async (redis) => {
    for await (const keys of keysOf(redis, "*")) for (const key of keys) await redis.unlink(key);
    for (const entity of ENTITIES) {
      await redis.hset(onlineKey(customer, entity), "who", entity);
      await redis.hset(windowsKey(customer, entity), "2026-03-08T00:00:00Z", entity);
    }
  }),
);

async function scanned(): Promise<Map<string, OnlineEntry[]>> {
  const found = new Map<string, OnlineEntry[]>();
  await scanOnlineStore(customer, cluster.connection, (entry) =>
    found.set(entry.entity, [...(found.get(entry.entity) ?? []), entry]),
  );
  return found;
}

/** Each of ours, with both hashes. */
async function expectAllFound(): Promise<void> {
  const found = await scanned();
  expect([...found.keys()].sort()).toEqual([...ENTITIES].sort());
  for (const [entity, entries] of found) {
    expect(new Set(entries.map(({ part }) => part))).toEqual(new Set(["features", "companion"]));
    for (const { hash, part } of entries) {
      const field = part === "features" ? "who" : "2026-03-08T00:00:00Z";
      expect(hash).toEqual({ json: JSON.stringify([field, entity]), expires: false });
    }
  }
}

const read = (entities: string[]) =>
  withRedis(cluster.connection, (redis) =>
    readHashes(
      redis,
      entities.map((entity) => onlineKey(customer, entity)),
    ),
  );

test("slots are those that the server computes", async () => {
  const [{ redis }] = cluster.nodes as [ClusterNode];
  for (const entity of ENTITIES)
    for (const key of [onlineKey(customer, entity), windowsKey(customer, entity)])
      expect(await redis.call("CLUSTER", "KEYSLOT", key)).toBe(clusterSlot(key));
});

test("hashes are read and scanned from every node", async () => {
  const owners = cluster.nodes.map(({ redis }) => redis.dbsize());
  expect(Math.min(...(await Promise.all(owners)))).toBeGreaterThan(0);
  const hashes = await read([...ENTITIES, "nobody"]);
  expect(hashes.map((hash) => ("fields" in hash ? hash.fields.get("who") : hash))).toEqual([
    ...ENTITIES,
    undefined,
  ]);
  await expectAllFound();
});

test("a rebuild deletes the keys of the set on every node, and no others, and what its runs measured", async () => {
  const others = [
    "other:1:features",
    windowsKey({ ...customer, name: "other" }, "x}customer:1"),
    "customer:note",
  ];
  await withRedis(cluster.connection, async (redis) => {
    for (const key of others) await redis.hset(key, "who", "other");
  });
  const measures = path.join(folder, "measures.json");
  await writeFile(measures, "{}");
  await forget(customer, {
    stateDir: folder,
    folder: { folder, measures } as never,
    redis: cluster.connection,
    storage: {
      places: { checkpoints: folder, deadLetters: folder, offline: folder },
      remove: async () => {},
    } as never,
  });
  await expect(access(measures)).rejects.toThrow("ENOENT");
  const left: string[] = [];
  for (const { redis } of cluster.nodes) left.push(...(await redis.keys("*")));
  expect(left.sort()).toEqual(others.sort());
  await deleteKeys(cluster.connection, "*", () => true);
  for (const { redis } of cluster.nodes) expect(await redis.dbsize()).toBe(0);
});

describe("a slot that moves", () => {
  test("is followed, while it does and afterwards, by a client that knew it elsewhere", async () => {
    const key = onlineKey(customer, "1");
    const { slot, from, to } = await ends(key);
    await withRedis(cluster.connection, async (redis) => {
      const [before] = await readHashes(redis, [key]);
      await open(slot, from, to);
      await moveKeys(slot, from, to);
      expect(await readHashes(redis, [key])).toEqual([before]); // ASK
      await expectAllFound();
      await close(slot, to);
      expect(await readHashes(redis, [key])).toEqual([before]); // MOVED
      await expectAllFound();
    });
  });

  test("is found although it went from the node that is scanned last to the one scanned first", async () => {
    const found: string[] = [];
    await withRedis(cluster.connection, async (redis) => {
      for await (const keys of keysOf(redis, "*")) {
        if (found.length === 0) await toFirst(keys);
        found.push(...keys);
      }
    });
    const all = ENTITIES.flatMap((entity) => [onlineKey(customer, entity), windowsKey(customer, entity)]);
    expect(new Set(found)).toEqual(new Set(all));
  });

  /** Moves a key of another node to the one that has `keys`. */
  async function toFirst(keys: string[]): Promise<void> {
    const held = await Promise.all(
      cluster.nodes.map(async (node) => ({ node, keys: await node.redis.keys("*") })),
    );
    const to = held.find((one) => one.keys.includes(keys[0] as string))?.node as ClusterNode;
    const from = held.find(({ node, keys }) => node !== to && keys.length > 0) as (typeof held)[number];
    const slot = clusterSlot(from.keys[0] as string);
    await open(slot, from.node, to);
    await moveKeys(slot, from.node, to);
    await close(slot, to);
  }

  async function ends(key: string): Promise<{ slot: number; from: ClusterNode; to: ClusterNode }> {
    const held = await Promise.all(cluster.nodes.map(async ({ redis }) => (await redis.keys(key)).length));
    const from = cluster.nodes[held.indexOf(1)] as ClusterNode;
    return { slot: clusterSlot(key), from, to: cluster.nodes[held.indexOf(0)] as ClusterNode };
  }

  async function open(slot: number, from: ClusterNode, to: ClusterNode): Promise<void> {
    await to.redis.call("CLUSTER", "SETSLOT", slot, "IMPORTING", from.id);
    await from.redis.call("CLUSTER", "SETSLOT", slot, "MIGRATING", to.id);
  }

  async function moveKeys(slot: number, from: ClusterNode, to: ClusterNode): Promise<void> {
    const keys = (await from.redis.call("CLUSTER", "GETKEYSINSLOT", slot, 100)) as string[];
    await from.redis.call("MIGRATE", "127.0.0.1", to.port, "", 0, 5_000, "KEYS", ...keys);
  }

  async function close(slot: number, to: ClusterNode): Promise<void> {
    for (const { redis } of [to, ...cluster.nodes.filter((node) => node !== to)])
      await redis.call("CLUSTER", "SETSLOT", slot, "NODE", to.id);
  }
});
