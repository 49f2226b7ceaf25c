/** The online store as it is: every key of a feature set in Redis, judged by nobody yet. */
import type { Redis } from "ioredis";
import { type FeatureSet, onlineKey } from "../definition/feature-set.ts";
import { EnvironmentError } from "../errors.ts";
import { isoOfMicros, microsOfIso } from "../platform/instants.ts";
import { withRedis } from "../platform/redis.ts";
import {
  derive,
  type FeatureValue,
  type FeatureValues,
  nowDependent,
  onlineText,
  recencyInDays,
  valueOfText,
} from "./values.ts";

/** A key's hash, or what Redis said when asked for it: the key may be of another type. */
export type OnlineHash = { fields: Map<string, string>; expires: boolean } | { problem: string };

export interface OnlineStore {
  /** Features by entity. */
  features: Map<string, OnlineHash>;
  /** The companion hashes by entity: window start to version and values. */
  windows: Map<string, OnlineHash>;
}

/** The fields of a features hash beside its features. */
export const META_FIELDS: readonly string[] = [
  "_window_start",
  "_window_end",
  "_event_time",
  "_computed_at",
  "_version",
];

const CHUNK = 1_000;

/** Key of the hash that holds all kept windows of an entity; the braces keep both hashes in one cluster slot. */
export function windowsKey(featureSet: FeatureSet, entity: string): string {
  return `{${onlineKey(featureSet, entity)}}:windows`;
}

/** Throws EnvironmentError when Redis cannot be reached. */
export function readOnlineStore(featureSet: FeatureSet, redisUrl: string): Promise<OnlineStore> {
  return withRedis(redisUrl, async (redis) => {
    const store: OnlineStore = { features: new Map(), windows: new Map() };
    for await (const keys of keysOf(redis, `*${featureSet.name}:*:features*`)) {
      const known = keys.flatMap((key) => {
        const place = placeOf(featureSet, store, key);
        return place === undefined ? [] : [{ key, ...place }];
      });
      const hashes = await readHashes(
        redis,
        known.map(({ key }) => key),
      );
      known.forEach(({ entity, part }, i) => {
        const hash = hashes[i] as OnlineHash;
        const isGone = "fields" in hash && hash.fields.size === 0; // deleted between the scan and now
        if (!isGone) part.set(entity, hash);
      });
    }
    return store;
  });
}

function placeOf(featureSet: FeatureSet, store: OnlineStore, key: string) {
  const [prefix, suffix] = [`${featureSet.name}:`, ":features"];
  const isCompanion = key.startsWith("{") && key.endsWith("}:windows");
  const main = isCompanion ? key.slice(1, -"}:windows".length) : key;
  if (!main.startsWith(prefix) || !main.endsWith(suffix)) return undefined;
  const entity = main.slice(prefix.length, -suffix.length);
  return { entity, part: isCompanion ? store.windows : store.features };
}

async function* keysOf(redis: Redis, pattern: string): AsyncGenerator<string[]> {
  let cursor = "0";
  do {
    const [next, keys] = await redis.scan(cursor, "MATCH", pattern, "COUNT", CHUNK);
    cursor = next;
    if (keys.length > 0) yield keys;
  } while (cursor !== "0");
}

async function readHashes(redis: Redis, keys: string[]): Promise<OnlineHash[]> {
  const pipeline = redis.pipeline();
  for (const key of keys) pipeline.hgetall(key).pttl(key);
  const replies = (await pipeline.exec()) ?? [];
  return keys.map((_, i) => {
    const [error, fields] = replies[2 * i] as [Error | null, Record<string, string>];
    const [, msToLive] = replies[2 * i + 1] as [Error | null, number];
    return error === null
      ? { fields: new Map(Object.entries(fields)), expires: msToLive >= 0 }
      : { problem: error.message };
  });
}

export interface EntityFeatures {
  entity: string;
  /** Decimals as text with exactly their digits, so that none is lost; empty when the entity has no key. */
  features: Record<string, string | number | boolean | null>;
  /** ISO time that the values are right as of, UTC. */
  asOf: string;
}

/**
 * The online values of some entities, with those that depend on now aged to `now`.
 *
 * Throws EnvironmentError when Redis cannot be reached, or a key is no hash.
 */
export function readEntities(
  featureSet: FeatureSet,
  entities: string[],
  { redisUrl, now }: { redisUrl: string; now: Date },
): Promise<EntityFeatures[]> {
  return withRedis(redisUrl, async (redis) => {
    const hashes = await readHashes(
      redis,
      entities.map((entity) => onlineKey(featureSet, entity)),
    );
    const nowMicros = BigInt(now.getTime()) * 1000n;
    return entities.map((entity, i) => {
      const hash = hashes[i] as OnlineHash;
      if ("problem" in hash)
        throw new EnvironmentError(`${onlineKey(featureSet, entity)} in Redis: ${hash.problem}`);
      const features = hash.fields.size > 0 ? agedFeatures(featureSet, hash.fields, nowMicros) : {};
      return { entity, features, asOf: isoOfMicros(nowMicros) };
    });
  });
}

function agedFeatures(
  featureSet: FeatureSet,
  fields: Map<string, string>,
  now: bigint,
): EntityFeatures["features"] {
  const eventTime = microsOfIso(fields.get("_event_time") ?? "");
  const values: FeatureValues = new Map();
  for (const { name, type, kind } of featureSet.features) {
    const stored = valueOfText(fields.get(name) ?? "", type) ?? null;
    const isAged = kind === "behavioural" && eventTime !== undefined;
    values.set(name, isAged ? recencyInDays(eventTime, now) : stored);
  }
  derive(featureSet, values, nowDependent(featureSet));
  return Object.fromEntries(
    featureSet.features.map(({ name, type }) => [name, plain(values.get(name) ?? null, type)]),
  );
}

function plain(
  value: FeatureValue,
  type: FeatureSet["features"][number]["type"],
): string | number | boolean | null {
  if (value === null || typeof value === "boolean") return value;
  const number = value.toNumber();
  return type.kind !== "decimal" && Number.isSafeInteger(number) ? number : onlineText(value, type);
}
