/** A checked golden case: records to compute from, and what must come of them. Plain data. */
import type { FeatureValue } from "../stores/values.ts";

/** As Kafka holds it, in partition 0. */
export interface GoldenRecord {
  offset: number;
  timestampMs: number;
  key: string | null;
  value: string | null;
}

export interface GoldenBatch {
  /** When it is computed, ms since 1970. */
  asOfMs: number;
  /** At least one. */
  records: GoldenRecord[];
}

export interface Expected {
  /** As `entityText` writes it. */
  entity: string;
  /** The window's start in ms; undefined for the one that is served. */
  windowStart: number | undefined;
  /** Those that are compared; undefined where there must be no row. */
  features: Map<string, FeatureValue> | undefined;
}

export interface GoldenCase {
  name: string;
  /** When the values have to be right, ms since 1970. */
  asOfMs: number;
  batches: GoldenBatch[];
  expected: Expected[];
}
