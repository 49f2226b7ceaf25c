/** What is found of drift: plain data, and the form of `drift --json`. */
import type { DriftWindows, FeatureType } from "../definition/feature-set.ts";

export interface Both<T> {
  reference: T;
  current: T;
}

/** Of the values that are not null; each null where there are none. */
export interface Summary {
  mean: number | null;
  min: number | null;
  p25: number | null;
  median: number | null;
  p75: number | null;
  max: number | null;
}

/** Shares of all rows of a period, so that the bins (with `other`) and the nulls add up to 1. */
export type Histogram = Both<number[]> & { nulls: Both<number> } & (
    | {
        /**
         * What separates the bins, one more than there are edges: up to and with the first edge, …, above the last one. The first
         * and the last bin have no outer end.
         */
        edges: number[];
      }
    | {
        /** One bin each; a date is ISO 8601, a boolean `true` or `false`. */
        categories: string[];
        other: Both<number>;
      }
  );

/** Each null where it is not defined for the feature's type, or for want of values. */
export interface Measures {
  psi: number | null;
  ks: number | null;
  nullRate: Both<number> | null;
  zeroRate: Both<number> | null;
  summary: Both<Summary> | null;
  histogram: Histogram | null;
}

export type Verdict = "fine" | "drifted" | "not compared";

export interface FeatureDrift extends Measures {
  feature: string;
  kind: FeatureType["kind"];
  verdict: Verdict;
  /** A sentence for each threshold that is exceeded, or why there is no comparison; empty where all is fine. */
  reasons: string[];
}

/** ISO 8601, UTC; `to` is no part of it. */
export interface PeriodRows {
  from: string;
  to: string;
  rows: number;
  /** Windows that went on when the period ended, so that their counts and sums were yet to grow: see `windows`. */
  filling: number;
}

export interface FeatureSetDrift extends Both<PeriodRows> {
  name: string;
  /** `all`: those that are `filling` are among the rows. `finished`: they are not, and are told of the current period alone. */
  windows: DriftWindows;
  features: FeatureDrift[];
}
