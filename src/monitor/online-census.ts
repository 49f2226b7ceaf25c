/** What the online store holds of a set, counted: how many entities, and which values they lack. */
import type { FeatureSet } from "../definition/feature-set.ts";
import type { RedisConnection } from "../platform/connections.ts";
import { hashOf, scanOnlineStore } from "../stores/online.ts";

export interface OnlineCensus {
  entities: number;
  /** Entities without a value, by feature. */
  missing: Record<string, number>;
  /** The latest event time served, ms since 1970; null without entities. */
  newestEventMs: number | null;
}

/** Reads every hash of the set. Throws EnvironmentError when Redis cannot be reached. */
export async function takeCensus(featureSet: FeatureSet, redis: RedisConnection): Promise<OnlineCensus> {
  const names = featureSet.features.map(({ name }) => name);
  const missing = new Map(names.map((name) => [name, 0]));
  const entities = new Set<string>();
  let newestEventMs: number | null = null;
  await scanOnlineStore(featureSet, redis, ({ entity, part, hash }) => {
    // A scan may give a key twice.
    if (part !== "features" || "problem" in hash || entity === null || entities.has(entity)) return;
    entities.add(entity);
    const read = hashOf(JSON.parse(hash.json), hash.expires);
    const fields = "fields" in read ? read.fields : new Map<string, string>();
    for (const name of names) if (!fields.has(name)) missing.set(name, (missing.get(name) ?? 0) + 1);
    const event = Date.parse(fields.get("_event_time") ?? "");
    if (!Number.isNaN(event)) newestEventMs = Math.max(newestEventMs ?? event, event);
  });
  return {
    entities: entities.size,
    missing: Object.fromEntries(missing),
    newestEventMs,
  };
}
