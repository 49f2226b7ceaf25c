/** What a case can expect of a row, by name. */
import type { FeatureSet, FeatureType } from "../definition/feature-set.ts";

/** The set's features, and what stands beside them in the online store. */
export function featureTypes({ features }: FeatureSet): Map<string, FeatureType> {
  return new Map<string, FeatureType>([
    ...features.map(({ name, type }): [string, FeatureType] => [name, type]),
    ["_window_start", { kind: "timestamp" }],
    ["_window_end", { kind: "timestamp" }],
    ["_event_time", { kind: "timestamp" }],
  ]);
}
