/** The online store as it is: every key of a feature set in Redis, judged by nobody yet. */
import { Cluster, ReplyError } from "ioredis";
import type { FeatureSet } from "../definition/feature-set.ts";
import { type OnlinePlace, onlinePattern, onlinePlace } from "../definition/online-keys.ts";
import type { RedisConnection } from "../platform/connections.ts";
import { keysOf, type RedisClient, withRedis } from "../platform/redis.ts";

/** A key's hash, or what Redis said when asked for it: the key may be of another type. */
export type OnlineHash = { fields: Map<string, string>; expires: boolean } | { problem: string };

/** As our script sends it: a JSON array of field, value, field, value … */
export type FlatHash = { json: string; expires: boolean } | { problem: string };

export interface OnlineEntry extends OnlinePlace {
  hash: FlatHash;
}

/** Hands on every hash of the set; one may come twice. Throws EnvironmentError when Redis cannot be reached. */
export function scanOnlineStore(
  featureSet: FeatureSet,
  redis: RedisConnection,
  onEntry: (entry: OnlineEntry) => void,
): Promise<void> {
  return withRedis(redis, async (client) => {
    for await (const keys of keysOf(client, onlinePattern(featureSet))) {
      const known = keys.flatMap((key) => {
        const place = onlinePlace(featureSet, key);
        return place === undefined ? [] : [{ key, ...place }];
      });
      const hashes = await readFlat(
        client,
        known.map(({ key }) => key),
      );
      known.forEach(({ entity, part }, i) => {
        const hash = hashes[i] as FlatHash;
        const isGone = "json" in hash && hash.json === NO_FIELDS; // deleted between the scan and now
        if (!isGone) onEntry({ entity, part, hash });
      });
    }
  });
}

/** One text for each key: a reply for each field would take most of the time of `verify`. */
const READ = `
local replies = {}
for i, key in ipairs(KEYS) do
  local fields = redis.pcall('HGETALL', key)
  if fields.err then
    replies[i] = { fields.err }
  else
    replies[i] = { cjson.encode(fields), redis.call('PTTL', key) }
  end
end
return replies`;

/** An empty table of Lua's. */
const NO_FIELDS = "{}";

type Reply = [json: string, msToLive: number] | [problem: string];

/** In the order of the keys; a key that is not there has no fields. */
export async function readHashes(redis: RedisClient, keys: string[]): Promise<OnlineHash[]> {
  return (await readFlat(redis, keys)).map((hash) =>
    "problem" in hash ? hash : hashOf(hash.json === NO_FIELDS ? [] : JSON.parse(hash.json), hash.expires),
  );
}

export function hashOf(flat: string[], expires: boolean): OnlineHash {
  const fields = new Map<string, string>();
  for (let i = 0; i < flat.length; i += 2) fields.set(flat[i] as string, flat[i + 1] as string);
  return { fields, expires };
}

async function readFlat(redis: RedisClient, keys: string[]): Promise<FlatHash[]> {
  if (keys.length === 0) return [];
  return (await repliesOf(redis, keys)).map(([text, msToLive]) => {
    if (msToLive !== undefined) return { json: text, expires: msToLive >= 0 };
    if (text.startsWith("WRONGTYPE")) return { problem: text };
    throw new ReplyError(text); // says nothing of the key
  });
}

async function repliesOf(redis: RedisClient, keys: string[]): Promise<Reply[]> {
  if (!(redis instanceof Cluster)) return (await redis.eval(READ, keys.length, ...keys)) as Reply[];
  // A cluster refuses a call for keys of several slots. Each of these follows its key to another node, where it moved meanwhile.
  const replies = await Promise.all(keys.map((key) => redis.eval(READ, 1, key) as Promise<Reply[]>));
  return replies.flat();
}
