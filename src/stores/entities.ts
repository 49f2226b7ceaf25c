/** The online values of some entities, as of now. */
import { readdir } from "node:fs/promises";
import path from "node:path";
import {
  type FeatureSet,
  type FeatureType,
  isAsOfNow,
  offlineFolder,
  onlineKey,
} from "../definition/feature-set.ts";
import { EnvironmentError } from "../errors.ts";
import type { RedisConnection } from "../platform/connections.ts";
import { isoOfMicros, microsOfIso } from "../platform/instants.ts";
import { withRedis } from "../platform/redis.ts";
import { FeatureComputation } from "./features.ts";
import { readHashes } from "./online.ts";
import { readBaseRows } from "./row-base.ts";
import {
  derive,
  type FeatureValue,
  type FeatureValues,
  nowDependent,
  onlineText,
  recencyInDays,
  valueOfText,
} from "./values.ts";

export interface EntityFeatures {
  entity: string;
  /** Decimals as text with exactly their digits, so that none is lost; empty when the entity has no key. */
  features: Record<string, string | number | boolean | null>;
  /** ISO time that the values are right as of, UTC. */
  asOf: string;
}

export interface EntityOptions {
  redis: RedisConnection;
  offlineRoot: string;
  now: Date;
  /** A folder for what does not fit in memory. */
  scratch: string;
}

/**
 * Values that depend on now are brought to now: recency by the latest event time, a set as of now by the rows that the job
 * keeps to age it, where they are; else its values are as of when they were computed.
 *
 * Throws EnvironmentError when Redis cannot be reached, or a key is no hash.
 */
export async function readEntities(
  featureSet: FeatureSet,
  entities: string[],
  options: EntityOptions,
): Promise<EntityFeatures[]> {
  const hashes = await withRedis(options.redis, (redis) =>
    readHashes(
      redis,
      entities.map((entity) => onlineKey(featureSet, entity)),
    ),
  );
  const stored = entities.map((entity, i) => {
    const hash = hashes[i];
    if (hash !== undefined && "problem" in hash)
      throw new EnvironmentError(`${onlineKey(featureSet, entity)} in Redis: ${hash.problem}`);
    return { entity, fields: hash?.fields ?? new Map<string, string>() };
  });
  const now = BigInt(options.now.getTime()) * 1000n;
  if (isAsOfNow(featureSet)) return agedByRows(featureSet, stored, now, options);
  return stored.map(({ entity, fields }) => ({
    entity,
    features: fields.size > 0 ? agedByEventTime(featureSet, fields, now) : {},
    asOf: isoOfMicros(now),
  }));
}

interface StoredEntity {
  entity: string;
  /** None when there is no key. */
  fields: Map<string, string>;
}

async function agedByRows(
  featureSet: FeatureSet,
  stored: StoredEntity[],
  now: bigint,
  { offlineRoot, scratch }: EntityOptions,
): Promise<EntityFeatures[]> {
  const computation = new FeatureComputation(featureSet);
  const newest = await newestVersion(path.join(offlineRoot, offlineFolder(featureSet), "_batches"));
  const hasTurned = ({ fields }: StoredEntity): boolean => {
    const computedAt = microsOfIso(fields.get("_computed_at") ?? "");
    return computedAt === undefined || !computation.sameAt(computedAt, now);
  };
  // What Redis alone was written is not among the rows.
  const isAmongRows = ({ fields }: StoredEntity): boolean => (fields.get("_version") ?? "") <= newest;
  const toAge = stored.filter((one) => hasTurned(one) && isAmongRows(one)).map(({ entity }) => entity);
  const rows = await readBaseRows(featureSet, toAge, { offlineRoot, scratch });
  return stored.map((one) => {
    const { entity, fields } = one;
    const known = rows.get(entity);
    if (known !== undefined) {
      const values = computation.ofEntity(known)(now)?.features;
      const features = values === undefined ? {} : plainFeatures(featureSet, values);
      return { entity, features, asOf: isoOfMicros(now) };
    }
    const features = fields.size > 0 ? plainFeatures(featureSet, storedValues(featureSet, fields)) : {};
    const computedAt = hasTurned(one) ? fields.get("_computed_at") : undefined;
    return { entity, features, asOf: computedAt ?? isoOfMicros(now) };
  });
}

/** The version of the newest batch that the offline store has; empty where there is none. */
async function newestVersion(folder: string): Promise<string> {
  const names = await readdir(folder).catch(() => []);
  const versions = names.flatMap((name) => /^(\d{20})(?:-\d{20})?\.json$/.exec(name)?.[1] ?? []);
  return versions.sort().at(-1) ?? "";
}

function agedByEventTime(
  featureSet: FeatureSet,
  fields: Map<string, string>,
  now: bigint,
): EntityFeatures["features"] {
  const eventTime = microsOfIso(fields.get("_event_time") ?? "");
  const values = storedValues(featureSet, fields);
  for (const feature of featureSet.features) {
    const isAged = feature.kind === "behavioural" && feature.measure === "recency";
    if (isAged && eventTime !== undefined) values.set(feature.name, recencyInDays(eventTime, now));
  }
  derive(featureSet, values, nowDependent(featureSet));
  return plainFeatures(featureSet, values);
}

function storedValues({ features }: FeatureSet, fields: Map<string, string>): FeatureValues {
  return new Map(
    features.map(({ name, type }) => {
      const text = fields.get(name);
      return [name, text === undefined ? null : (valueOfText(text, type) ?? null)];
    }),
  );
}

function plainFeatures({ features }: FeatureSet, values: FeatureValues): EntityFeatures["features"] {
  return Object.fromEntries(features.map(({ name, type }) => [name, plain(values.get(name) ?? null, type)]));
}

/** Whole numbers as numbers where none of their digits is lost; everything else as the online store writes it. */
function plain(value: FeatureValue, type: FeatureType): string | number | boolean | null {
  if (value === null || typeof value === "boolean") return value;
  const isWhole = type.kind === "bigint" || type.kind === "integer";
  const number = isWhole ? Number(value) : Number.NaN;
  return Number.isSafeInteger(number) ? number : onlineText(value, type);
}
