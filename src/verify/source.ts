/** The expectation by the table itself: Postgres aggregates, and every number comes as exact text. */
import { Big } from "big.js";
import pg from "pg";
import type { Column, Feature, FeatureSet } from "../definition/feature-set.ts";
import { EnvironmentError } from "../errors.ts";
import { FIRST, LAST } from "../platform/instants.ts";
import { withPostgres } from "../platform/postgres.ts";
import {
  type EntityWindows,
  type Expectation,
  latenessAllowedMs,
  type WindowAggregates,
} from "./expectation.ts";

interface Row {
  entity: string;
  window_start_ms: string;
  latest_micros: string;
  [feature: string]: string | null;
}

/**
 * Asks the table once. The table no longer knows the times of deleted rows, so the watermark may be behind the
 * job's: `watermarkMs` is the job's own, as far as it is known.
 *
 * Throws EnvironmentError when Postgres cannot be reached or has no such table or column.
 */
export async function expectFromSource(
  featureSet: FeatureSet,
  { postgresUrl, watermarkMs }: { postgresUrl: string; watermarkMs: number },
): Promise<Expectation> {
  const rows = await withPostgres(postgresUrl, async (client) => {
    try {
      return (await client.query<Row>(aggregationOf(featureSet))).rows;
    } catch (cause) {
      throw new EnvironmentError(`Postgres cannot aggregate the source table: ${(cause as Error).message}`, {
        hint: "Do table and columns of the definition match the database?",
        cause,
      });
    }
  });
  const entities = new Map<string, EntityWindows>();
  let latestMs = Number.NEGATIVE_INFINITY;
  for (const row of rows) {
    const aggregates = aggregatesOf(featureSet, row);
    latestMs = Math.max(latestMs, Math.floor(Number(row.latest_micros) / 1000));
    const windows = entities.get(row.entity) ?? new Map<number, WindowAggregates | null>();
    entities.set(row.entity, windows.set(Number(row.window_start_ms), aggregates));
  }
  const ownWatermarkMs = latestMs - latenessAllowedMs(featureSet);
  return { entities, watermarkMs: Math.max(0, watermarkMs, ownWatermarkMs), covers: "kept windows" };
}

function aggregatesOf(featureSet: FeatureSet, row: Row): WindowAggregates {
  const values = new Map<string, Big | null>();
  aggregated(featureSet).forEach(({ name }, i) => {
    const text = row[`f${i}`] ?? null;
    values.set(name, text === null ? null : Big(text));
  });
  return { values, latest: BigInt(row.latest_micros) };
}

type AggregatedFeature = Extract<Feature, { kind: "aggregated" }>;

function aggregated(featureSet: FeatureSet): AggregatedFeature[] {
  return featureSet.features.filter((feature) => feature.kind === "aggregated");
}

/** One row per (entity, window). `extract(epoch …)` is an exact numeric. */
export function aggregationOf(featureSet: FeatureSet): string {
  const { source, window } = featureSet;
  const name = pg.escapeIdentifier;
  const exact = `extract(epoch from ${name(source.eventTime)}) * 1000000`;
  const micros = `(${exact})::numeric(38, 0)`;
  const length = BigInt(window.lengthMs) * 1000n;
  const start = `floor(${micros} / ${window.lengthMs * 1000}) * ${window.lengthMs}`;
  const features = aggregated(featureSet).map(
    (feature, i) => `, (${aggregate(feature, source.columns)})::text as f${i}`,
  );
  return `
    select ${name(featureSet.entity)}::text as entity, (${start})::text as window_start_ms,
           max(${micros})::text as latest_micros${features.join("")}
    from ${name(source.schema)}.${name(source.table)}
    where ${name(featureSet.entity)} is not null and ${source.columns.map(decodable).join(" and ")}
      and ${name(source.eventTime)} is not null and ${exact} between ${FIRST + length} and ${LAST - length}
    group by ${name(featureSet.entity)}, ${start}`;
}

function aggregate(feature: AggregatedFeature, columns: Column[]): string {
  if (feature.aggregate === "count") return "count(*)";
  const column = pg.escapeIdentifier(feature.column);
  const declared = columns.find(({ name }) => name === feature.column) as Column;
  const value = isNullWhenNaN(declared) ? `nullif(${column}::numeric, 'NaN')` : column;
  return feature.aggregate === "sum" ? `sum(${value})` : `count(distinct ${value})`;
}

/** Debezium's default mode, `precise`, has no way to write NaN and sends null. */
function isNullWhenNaN({ type }: Column): boolean {
  return type.kind === "decimal" && type.encoding !== "text";
}

/** The job sets rows aside that a column's type cannot hold: infinities, NaN, too many digits. */
function decodable(declared: Column): string {
  const { name, type } = declared;
  const column = pg.escapeIdentifier(name);
  if (type.kind === "timestamp" || type.kind === "date") return `(${column} is null or isfinite(${column}))`;
  if (type.kind !== "decimal") return "true";
  const numeric = `${column}::numeric`;
  const fits = `abs(${numeric}) < 1e${type.precision - type.scale} and ${numeric} = trunc(${numeric}, ${type.scale})`;
  // NaN is above every number.
  return `(${column} is null or (${fits})${isNullWhenNaN(declared) ? ` or ${numeric} = 'NaN'` : ""})`;
}
