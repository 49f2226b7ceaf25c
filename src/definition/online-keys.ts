/** The way back from the keys of the online store to what they are of. */
import { type FeatureSet, onlineKey, windowsKey } from "./feature-set.ts";

export interface OnlinePlace {
  /** As `entityText` gives it. */
  entity: string;
  /** Its features, or the companion with the versions and values of all its kept windows. */
  part: "features" | "companion";
}

/** A glob for every key of a set; it may match others too, which have no `onlinePlace`. */
export function onlinePattern({ name }: FeatureSet): string {
  return `*${name}:*:features*`;
}

/** Undefined for a key that is none of the set's. */
export function onlinePlace(featureSet: FeatureSet, key: string): OnlinePlace | undefined {
  const ownEntity = entityOf(featureSet, key);
  if (ownEntity !== undefined) return { entity: ownEntity, part: "features" };
  const [, whole, beside] = /^\{(?:([^}]*)\}|\d+\}(.*)):windows$/s.exec(key) ?? [];
  const entity = entityOf(featureSet, whole ?? beside ?? "");
  // The number may be one that nobody would write.
  const isOwn = entity !== undefined && windowsKey(featureSet, entity) === key;
  return isOwn ? { entity, part: "companion" } : undefined;
}

function entityOf(featureSet: FeatureSet, key: string): string | undefined {
  const [prefix, suffix] = onlineKey(featureSet, "*").split("*") as [string, string];
  const isOwn = key.startsWith(prefix) && key.endsWith(suffix) && key.length >= prefix.length + suffix.length;
  return isOwn ? key.slice(prefix.length, -suffix.length) : undefined;
}
