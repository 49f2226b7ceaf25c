/** The compare-and-write script on a real Redis and a real cluster. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { windowsKeyOf } from "../../../src/definition/feature-set.ts";
import type { EntityChanges } from "../../../src/online/changes.ts";
import { writeChanges } from "../../../src/online/store.ts";
import type { RedisConnection } from "../../../src/platform/connections.ts";
import { type RedisClient, withRedis } from "../../../src/platform/redis.ts";
import { startCluster, startRedis } from "../../support/redis-server.ts";
import { payloadOf } from "./messages.ts";

const version = (position: number) => String(position).padStart(20, "0");

function change(
  key: string,
  windows: Record<string, [position: number, payload: string]>,
  expired = 0,
): EntityChanges {
  return {
    key,
    expired,
    windows: new Map(
      Object.entries(windows).map(([window, [position, payload]]) => [
        window,
        { version: version(position), payload },
      ]),
    ),
  };
}

describe.each(["a single server", "a cluster"])("on %s", (kind) => {
  let connection: RedisConnection;
  let stop: () => Promise<void>;

  beforeAll(async () => {
    if (kind === "a cluster") ({ connection, stop } = await startCluster());
    else {
      const server = await startRedis();
      connection = { url: server.url };
      stop = server.stop;
    }
  }, 60_000);
  afterAll(() => stop?.());

  const write = (...changes: EntityChanges[]) =>
    withRedis(connection, async (redis) => {
      await writeChanges(redis, changes);
      return redis;
    });
  const read = (key: string) => withRedis(connection, (redis: RedisClient) => redis.hgetall(key));

  test("many entities are written, also by a server that does not know the script yet", async () => {
    const keys = Array.from({ length: 300 }, (_, i) => `customer:${i}}:features`);
    await write(...keys.map((key, i) => change(key, { "000000000100": [5, payloadOf(i)] })));
    await withRedis(connection, async (redis) => {
      const servers = "nodes" in redis ? redis.nodes("master") : [redis];
      await Promise.all(servers.map((server) => server.script("FLUSH")));
    });
    await write(...keys.map((key, i) => change(key, { "000000000100": [6, payloadOf(i + 1)] })));
    for (const i of [0, 17, 299])
      expect(await read(keys[i] as string)).toEqual({ _version: version(6), order_count_30d: String(i + 1) });
  });

  test("the latest window with rows is shown, an older version changes nothing, an expired window goes", async () => {
    const key = "customer:42:features";
    await write(change(key, { "000000000100": [5, payloadOf(1)], "000000000200": [6, payloadOf(2)] }));
    await write(change(key, { "000000000200": [4, payloadOf(9)] }));
    expect(await read(key)).toMatchObject({ _version: version(6), order_count_30d: "2" });
    await write(change(key, { "000000000200": [7, ""] }));
    expect(await read(key)).toMatchObject({ _version: version(5), order_count_30d: "1" });
    expect(await read(windowsKeyOf(key))).toEqual({
      "000000000100": `${version(5)}|${payloadOf(1)}`,
      "000000000200": `${version(7)}|`,
    });
    await write(change(key, { "000000000200": [8, ""] }, 200));
    expect(await read(key)).toEqual({});
    expect(await read(windowsKeyOf(key))).toEqual({});
  });

  test("what Redis refuses is told, and the others are written", async () => {
    await withRedis(connection, (redis) => redis.set("customer:1:features", "a text"));
    await withRedis(connection, (redis) => redis.set(windowsKeyOf("customer:2:features"), "a text"));
    const refused = write(
      change("customer:2:features", { "000000000100": [5, payloadOf(1)] }),
      change("customer:3:features", { "000000000100": [5, payloadOf(3)] }),
    );
    await expect(refused).rejects.toThrow(/WRONGTYPE/);
    expect(await read("customer:3:features")).toMatchObject({ order_count_30d: "3" });
  });
});
