/** A connection to Redis or to a Redis Cluster that fails at once instead of queueing for ever. */
import { Cluster, Redis, type RedisOptions } from "ioredis";
import { EnvironmentError, UsageError } from "../errors.ts";
import type { RedisConnection } from "./connections.ts";
import "./quiet-ioredis.ts";
import { CLUSTER_DOWN, type Noted, placeOf, redisError } from "./redis-errors.ts";
import { tlsSettings } from "./tls.ts";

/** Commands with a key go to the node that has it; those without go to any. */
export type RedisClient = Redis | Cluster;

/**
 * Runs `work` on a connection of its own. Throws EnvironmentError when Redis cannot be reached or refuses a command of
 * `work`, UsageError when the connection makes no sense.
 */
export async function withRedis<T>(
  connection: RedisConnection,
  work: (redis: RedisClient) => Promise<T>,
): Promise<T> {
  const client = clientOf(connection);
  let noted: Noted | undefined;
  client.on("error", (error) => {
    noted ??= { error };
  });
  client.on("node error", (error: Error, node: string) => {
    noted = { error, node };
  });
  try {
    await client.connect();
    if (client instanceof Cluster) await requireWholeCluster(client, connection);
    else {
      await requireSingleServer(client, connection);
      // ioredis goes on in database 0 when the chosen one is refused.
      if (noted !== undefined) throw (noted as Noted).error;
    }
    return await work(client);
  } catch (error) {
    if (connection.cluster === true) noted = (await failureOfNode(connection, noted)) ?? noted;
    throw redisError(connection, error, noted) ?? error;
  } finally {
    client.disconnect();
  }
}

/** A cluster's client says of a node only that its connection is closed: a connection to it alone tells why. */
async function failureOfNode(
  connection: RedisConnection,
  noted: Noted | undefined,
): Promise<Noted | undefined> {
  if (noted?.error.message !== "Connection is closed.") return undefined;
  const node = noted.node ?? placeOf(connection.url);
  const [, host, port] = /^(.*):(\d+)$/.exec(node) ?? [];
  const { options } = addressOf(connection);
  const redis = new Redis({ ...options, host: host as string, port: Number(port) });
  try {
    return await new Promise((resolve) => {
      redis.on("error", (error) => resolve({ error, node }));
      redis.connect().then(
        () => resolve(undefined),
        () => {},
      );
    });
  } finally {
    redis.disconnect();
  }
}

function clientOf(connection: RedisConnection): RedisClient {
  const { url, cluster, nodes = [] } = connection;
  const { host, port, db, options } = addressOf(connection);
  if (cluster !== true) return new Redis({ ...options, host, port, db });
  if (db !== 0)
    throw new UsageError(`the Redis Cluster at ${placeOf(url)} has no database ${db}`, {
      hint: "A cluster has database 0 alone.",
    });
  const others = nodes.map((node) => {
    const { host, port } = addressOf({ url: `redis://${node}` });
    return { host, port };
  });
  return new Cluster([{ host, port }, ...others], {
    redisOptions: options,
    lazyConnect: true,
    enableReadyCheck: false,
    clusterRetryStrategy: () => null,
    slotsRefreshTimeout: 5_000,
    // A certificate is for the name, not for the address behind it.
    dnsLookup: (name, callback) => callback(null, name),
  });
}

/** `options` hold for every node of a cluster. */
function addressOf({ url, ca }: RedisConnection) {
  const { protocol, hostname, port, username, password, db } = partsOf(url);
  const options: RedisOptions = {
    ...(username !== "" && { username }),
    ...(password !== "" && { password }),
    ...(protocol === "rediss:" && { tls: tlsSettings({ ca }) }),
    connectTimeout: 5_000,
    // It would ask INFO, which a user need not be allowed.
    enableReadyCheck: false,
    lazyConnect: true,
    maxRetriesPerRequest: 0,
    retryStrategy: () => null,
  };
  return { host: hostname.replace(/^\[|\]$/g, ""), port: Number(port || 6379), db, options };
}

function partsOf(url: string) {
  try {
    const { protocol, hostname, port, username, password, pathname } = new URL(url);
    const db = Number(pathname.slice(1));
    return {
      ...{ protocol, hostname, port, db },
      ...{ username: decodeURIComponent(username), password: decodeURIComponent(password) },
    };
  } catch {
    // The cause would show the URL.
    throw new UsageError("the address of Redis is no URL", {
      hint: "It is `redis[s]://[user:password@]host:port/database`; `@`, `:`, `/`, `#` and `%` in user and password are percent-encoded.",
    });
  }
}

/** HELLO is the one command that no user is forbidden; proxies and old servers may not know it. */
async function requireSingleServer(redis: Redis, { url }: RedisConnection): Promise<void> {
  const words = (await redis.call("HELLO").catch((error: Error) => {
    if (error.message.startsWith("ERR")) return [];
    throw error;
  })) as unknown[];
  if (words[words.indexOf("mode") + 1] !== "cluster") return;
  throw new EnvironmentError(
    `Redis at ${placeOf(url)} is a node of a cluster, whose other nodes have other keys`,
    {
      hint: "Set `cluster: true` for the connection.",
    },
  );
}

/** A scan would say nothing of slots that no node serves. */
async function requireWholeCluster(cluster: Cluster, { url }: RedisConnection): Promise<void> {
  const info = (await cluster.cluster("INFO")) as string;
  if (!info.includes("cluster_state:fail")) return;
  throw new EnvironmentError(`the Redis Cluster at ${placeOf(url)} is down: cluster_state:fail`, {
    hint: CLUSTER_DOWN,
  });
}

export async function redisAnswers(connection: RedisConnection): Promise<boolean> {
  try {
    return (await withRedis(connection, (redis) => redis.ping())) === "PONG";
  } catch {
    return false;
  }
}

/** Every key that matches a glob pattern, of all nodes, some at a time; one may come twice. */
export async function* keysOf(redis: RedisClient, pattern: string): AsyncGenerator<string[]> {
  if (redis instanceof Redis) {
    yield* keysOfNode(redis, pattern);
    return;
  }
  const before = await layoutOf(redis);
  for (const node of redis.nodes("master")) yield* keysOfNode(node, pattern);
  const after = await layoutOf(redis);
  if (before === after && !after.includes("->-")) return;
  // A key that moved from a node not yet scanned to one that was already is where it went to by now.
  for (const node of redis.nodes("master")) yield* keysOfNode(node, pattern);
}

async function* keysOfNode(redis: Redis, pattern: string): AsyncGenerator<string[]> {
  let cursor = "0";
  do {
    const [next, keys] = await redis.scan(cursor, "MATCH", pattern, "COUNT", 1_000);
    cursor = next;
    if (keys.length > 0) yield keys;
  } while (cursor !== "0");
}

/** What each primary says of its own slots; `[slot->-node]` is one that is on its way to another node. */
async function layoutOf(cluster: Cluster): Promise<string> {
  await new Promise<void>((resolve, reject) =>
    cluster.refreshSlotsCache((error) => (error ? reject(error) : resolve())),
  );
  const texts = await Promise.all(
    cluster.nodes("master").map((node) => node.cluster("NODES") as Promise<string>),
  );
  const own = texts.flatMap((text) => text.split("\n").filter((line) => line.includes("myself")));
  // id, address, flags, primary, ping, pong, epoch, link, slots …
  return own
    .map((line) => {
      const [id, , , , , , , , ...slots] = line.split(" ");
      return [id, ...slots].join(" ");
    })
    .sort()
    .join("\n");
}

/** Deletes the keys that match a glob pattern and `isMeant`. Throws EnvironmentError when Redis cannot be reached. */
export function deleteKeys(
  connection: RedisConnection,
  pattern: string,
  isMeant: (key: string) => boolean,
): Promise<void> {
  return withRedis(connection, async (redis) => {
    for await (const keys of keysOf(redis, pattern)) {
      const meant = keys.filter(isMeant);
      // A cluster refuses one command for keys of several slots.
      if (redis instanceof Cluster) await Promise.all(meant.map((key) => redis.unlink(key)));
      else if (meant.length > 0) await redis.unlink(...meant);
    }
  });
}
