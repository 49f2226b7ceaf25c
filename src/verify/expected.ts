/** Features from aggregates, as of a moment. */
import type { FeatureSet } from "../definition/feature-set.ts";
import { derive, type FeatureValues, recencyInDays, rounded } from "../stores/values.ts";
import type { WindowAggregates } from "./expectation.ts";

/** Every feature of the set by name; `now` in micros since 1970 UTC decides recency. */
export function featuresOf(featureSet: FeatureSet, aggregates: WindowAggregates, now: bigint): FeatureValues {
  const features: FeatureValues = new Map();
  for (const { name, kind, type } of featureSet.features) {
    if (kind === "aggregated") features.set(name, rounded(aggregates.values.get(name) ?? null, type));
    if (kind === "behavioural") features.set(name, recencyInDays(aggregates.latest, now));
  }
  derive(featureSet, features);
  return features;
}
