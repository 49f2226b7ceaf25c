/** An offline store written by hand, and a set whose features are what a test needs. */
import { mkdirSync } from "node:fs";
import path from "node:path";
import type {
  DriftThresholds,
  Feature,
  FeatureSet,
  FeatureType,
} from "../../../src/definition/feature-set.ts";
import { type DriftOptions, driftOf } from "../../../src/drift/drift.ts";
import type { FeatureDrift, FeatureSetDrift } from "../../../src/drift/feature-drift.ts";
import type { Period } from "../../../src/drift/periods.ts";
import { literal } from "../../../src/platform/duckdb.ts";
import { microsOfIso } from "../../../src/platform/instants.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";
import { customer } from "../verify/sets.ts";
import { writeParquet } from "../verify/shop.ts";

/** Of the default periods: current is November 3 to 10, reference October 6 to November 3. */
export const NOW = new Date("2026-11-10T00:00:00Z");
export const IN_REFERENCE = "2026-10-20T12:00:00Z";
export const IN_CURRENT = "2026-11-05T12:00:00Z";

export type Value = number | string | boolean | null;

export interface Row {
  entity: number;
  /** Start of its window. */
  window?: string;
  /** And its end. */
  end?: string;
  batch?: number;
  created?: string;
  /** Null where the window is gone. */
  event: string | null;
  /** In the order of the features; the window is gone where there are none. */
  values?: Value[];
}

/** Features by name; each of a kind that matters to no test but for its type. */
export function setOf(
  types: Record<string, FeatureType>,
  drift: Partial<DriftThresholds> = {},
  windows: FeatureSet["windows"] = customer.windows,
): FeatureSet {
  const features = Object.entries(types).map(
    ([name, type]): Feature => ({
      name,
      description: "",
      type,
      kind: "aggregated",
      aggregate: "count",
      window: "default",
    }),
  );
  return {
    ...customer,
    windows,
    features,
    drift: { ...customer.drift, minRows: 1, features: Object.keys(types), ...drift },
  };
}

export function store(featureSet: FeatureSet) {
  const root = temporaryFolder();
  const folder = path.join(root, `${featureSet.name}_features`);
  const write = async (name: string, rows: Row[]) => {
    mkdirSync(path.dirname(path.join(folder, name)), { recursive: true });
    await writeParquet(path.join(folder, name), selectOf(featureSet, rows));
  };
  const drift = (options: Partial<DriftOptions> = {}): Promise<FeatureSetDrift> =>
    driftOf(featureSet, { offlineRoot: root, scratch: path.join(root, "tmp"), now: NOW, ...options });
  return { folder, write, drift };
}

/** The drift of the one feature of that type, whose values were those in the two periods. */
export async function driftBetween(
  type: FeatureType,
  reference: Value[],
  current: Value[],
  thresholds: Partial<DriftThresholds> = {},
): Promise<FeatureDrift> {
  const { write, drift } = store(setOf({ feature: type }, thresholds));
  await write("1.parquet", [
    ...reference.map((value, entity) => ({ entity, event: IN_REFERENCE, values: [value] })),
    ...current.map((value, entity) => ({ entity, event: IN_CURRENT, values: [value] })),
  ]);
  return (await drift()).features[0] as FeatureDrift;
}

export function period(from: string, to: string): Period {
  return { from: microsOfIso(from) as bigint, to: microsOfIso(to) as bigint };
}

/** Each value as often as it says. */
export function times(...counts: [count: number, value: Value][]): Value[] {
  return counts.flatMap(([count, value]) => new Array<Value>(count).fill(value));
}

function selectOf({ features }: FeatureSet, rows: Row[]): string {
  const text = (value: Value | undefined) => (value == null ? "NULL" : literal(String(value)));
  const named = (row: Row) =>
    features.map(({ name, type }, i) => `${text(row.values?.[i])}::${sqlType(type)} AS "${name}"`);
  return rows
    .map((row) =>
      [
        `SELECT ${row.entity}::BIGINT AS customer_id`,
        `'${row.window ?? "2026-10-15T00:00:00Z"}'::TIMESTAMPTZ AS window_start`,
        `'${row.end ?? "2026-11-14T00:00:00Z"}'::TIMESTAMPTZ AS window_end`,
        ...named(row),
        `${text(row.event)}::TIMESTAMPTZ AS event_timestamp`,
        `'${row.created ?? "2026-11-09T00:00:00Z"}'::TIMESTAMPTZ AS created_timestamp`,
        `${row.batch ?? 1}::BIGINT AS batch_id`,
        `${row.values === undefined} AS is_deleted`,
      ].join(", "),
    )
    .join(" UNION ALL ");
}

function sqlType(type: FeatureType): string {
  if (type.kind === "text") return "VARCHAR";
  if (type.kind === "timestamp") return "TIMESTAMPTZ";
  return type.kind === "decimal" ? `DECIMAL(38,${type.digits})` : type.kind.toUpperCase();
}
