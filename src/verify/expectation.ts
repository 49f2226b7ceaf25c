/** What the stores should hold, before features are made of it: aggregates by entity and window. */
import type { Big } from "big.js";
import type { FeatureSet } from "../definition/feature-set.ts";
import { msOfMicros } from "../platform/instants.ts";

export interface WindowAggregates {
  /** Aggregated features by name; a sum of nothing but nulls is null. */
  values: Map<string, Big | null>;
  /** The latest event time in the window, micros since 1970 UTC. */
  latest: bigint;
}

/** Windows by their start in ms since 1970 UTC; null for one that lost all its rows. */
export type EntityWindows = Map<number, WindowAggregates | null>;

export interface Expectation {
  entities: Map<string, EntityWindows>;
  /** Event time in ms less the delay and the retention: windows that end by then are final. */
  watermarkMs: number;
  /** The log tells how final windows ended; the table no longer does. */
  covers: "all windows" | "kept windows";
}

export function startOfWindow(featureSet: FeatureSet, eventTime: bigint): number {
  const { lengthMs } = featureSet.window;
  return Math.floor(msOfMicros(eventTime) / lengthMs) * lengthMs;
}

export function isKept(featureSet: FeatureSet, startMs: number, watermarkMs: number): boolean {
  return startMs + featureSet.window.lengthMs > watermarkMs;
}

/** The delay behind the latest event time after which a window takes no more rows. */
export function latenessAllowedMs(featureSet: FeatureSet): number {
  return featureSet.watermarkMs + featureSet.window.retentionMs;
}

/** The latest kept window that has rows: what is served online. */
export function servedWindow(
  featureSet: FeatureSet,
  expectation: Expectation,
  entity: string,
): { startMs: number; aggregates: WindowAggregates } | undefined {
  let served: { startMs: number; aggregates: WindowAggregates } | undefined;
  for (const [startMs, aggregates] of expectation.entities.get(entity) ?? []) {
    if (aggregates === null || !isKept(featureSet, startMs, expectation.watermarkMs)) continue;
    if (served === undefined || startMs > served.startMs) served = { startMs, aggregates };
  }
  return served;
}
