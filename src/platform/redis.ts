/** A Redis connection that fails at once instead of queueing for ever. */
import { Redis } from "ioredis";
import { EnvironmentError } from "../errors.ts";
import type { RedisConnection } from "./connections.ts";

/** Runs `work` on a connection of its own. Throws EnvironmentError when Redis cannot be reached. */
export async function withRedis<T>({ url }: RedisConnection, work: (redis: Redis) => Promise<T>): Promise<T> {
  const redis = new Redis(url, {
    lazyConnect: true,
    maxRetriesPerRequest: 0,
    retryStrategy: () => null,
    connectTimeout: 3_000,
  });
  redis.on("error", () => {});
  try {
    await redis.connect();
  } catch (cause) {
    redis.disconnect();
    throw new EnvironmentError(
      `cannot connect to Redis at ${new URL(url).host}: ${(cause as Error).message}`,
      {
        hint: "Start the stack with `cdc-features up`.",
        cause,
      },
    );
  }
  try {
    return await work(redis);
  } finally {
    redis.disconnect();
  }
}

export async function redisAnswers(connection: RedisConnection): Promise<boolean> {
  try {
    return (await withRedis(connection, (redis) => redis.ping())) === "PONG";
  } catch {
    return false;
  }
}

/** Every key that matches a glob pattern, some at a time; one may come twice. */
export async function* keysOf(redis: Redis, pattern: string): AsyncGenerator<string[]> {
  let cursor = "0";
  do {
    const [next, keys] = await redis.scan(cursor, "MATCH", pattern, "COUNT", 1_000);
    cursor = next;
    if (keys.length > 0) yield keys;
  } while (cursor !== "0");
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
      if (meant.length > 0) await redis.unlink(...meant);
    }
  });
}
