/** Whether the features of a set are distributed as they were: the current period against a reference period. */
import type { DuckDBConnection } from "@duckdb/node-api";
import type { DriftThresholds, DriftWindows, Feature, FeatureSet } from "../definition/feature-set.ts";
import { withDuckDb } from "../platform/duckdb.ts";
import { isoOfMicros } from "../platform/instants.ts";
import { parquetFiles } from "../stores/offline.ts";
import { measureCategories } from "./categories.ts";
import { exceeded } from "./exceeded.ts";
import type { Both, FeatureDrift, FeatureSetDrift, Measures, PeriodRows } from "./feature-drift.ts";
import { measureNumbers } from "./numbers.ts";
import { type Period, periodsOf } from "./periods.ts";
import { createCompared, isNumber, type Rows } from "./rows.ts";
import { measureTimes } from "./times.ts";

export interface DriftOptions {
  offlineRoot: string;
  /** A folder for what does not fit in memory. */
  scratch: string;
  now: Date;
  /** Instead of the definition's. */
  windows?: DriftWindows;
  /** Instead of the definition's, up to now. */
  current?: Period;
  /** Instead of the definition's, up to the current period. */
  reference?: Period;
}

/**
 * Compares the features that the set's definition names under `drift`. An absent or empty store is no error: nothing is compared
 * then. Throws EnvironmentError for a file that cannot be used.
 */
export async function driftOf(
  featureSet: FeatureSet,
  { offlineRoot, scratch, ...given }: DriftOptions,
): Promise<FeatureSetDrift> {
  const thresholds = featureSet.drift;
  const windows = given.windows ?? thresholds.windows;
  const periods = periodsOf(thresholds, given);
  const features = featureSet.features.filter(({ name }) => thresholds.features.includes(name));
  const files = await parquetFiles(featureSet, offlineRoot);
  const report = (rows: Both<Rows>, found: FeatureDrift[]): FeatureSetDrift => ({
    name: featureSet.name,
    windows,
    reference: periodRows(periods.reference, rows.reference),
    current: periodRows(periods.current, rows.current),
    features: found,
  });
  if (files.length === 0) {
    const reasons = ["there is nothing in the offline store"];
    const none = features.map((feature) => notCompared(feature, reasons));
    return report({ reference: NO_ROWS, current: NO_ROWS }, none);
  }
  return withDuckDb(scratch, async (connection) => {
    const rows = await createCompared(connection, featureSet, { files, features, windows, periods });
    const tooFew = tooFewRows(rows, windows, thresholds);
    const found: FeatureDrift[] = [];
    for (const feature of features) {
      found.push(
        tooFew.length > 0
          ? notCompared(feature, tooFew)
          : judged(feature, await measure(connection, feature), thresholds),
      );
    }
    return report(rows, found);
  });
}

const NO_ROWS: Rows = { rows: 0, filling: 0 };

function periodRows({ from, to }: Period, rows: Rows): PeriodRows {
  return { from: isoOfMicros(from), to: isoOfMicros(to), ...rows };
}

function tooFewRows(found: Both<Rows>, windows: DriftWindows, { minRows }: DriftThresholds): string[] {
  const what =
    windows === "all" ? "rows" : "rows of windows that finished in it, without the first of the history,";
  return (["reference", "current"] as const)
    .filter((period) => found[period].rows < minRows)
    .map((period) => `the ${period} period has ${found[period].rows} ${what} and needs ${minRows}`);
}

function measure(connection: DuckDBConnection, feature: Feature): Promise<Measures> {
  if (isNumber(feature)) return measureNumbers(connection, feature.name);
  if (feature.type.kind === "timestamp" || feature.type.kind === "date")
    return measureTimes(connection, feature.name);
  return measureCategories(connection, feature.name);
}

function judged({ name, type }: Feature, measures: Measures, thresholds: DriftThresholds): FeatureDrift {
  const reasons = exceeded(measures, thresholds);
  const verdict = reasons.length > 0 ? "drifted" : "fine";
  return { feature: name, kind: type.kind, verdict, reasons, ...measures };
}

const NOTHING: Measures = {
  psi: null,
  ks: null,
  nullRate: null,
  zeroRate: null,
  summary: null,
  histogram: null,
};

function notCompared({ name, type }: Feature, reasons: string[]): FeatureDrift {
  return { feature: name, kind: type.kind, verdict: "not compared", reasons, ...NOTHING };
}
