/**
 * The rows that a set as of now is aged from, as the job keeps them beside the offline store. Each of its files holds the
 * rows of some containers (an entity's stretches of event time) as a batch left them.
 */
import { readdir } from "node:fs/promises";
import path from "node:path";
import { type Column, type FeatureSet, offlineFolder } from "../definition/feature-set.ts";
import { literal, rowsOf, withDuckDb } from "../platform/duckdb.ts";
import { entityExpression, textExpression } from "./parquet-columns.ts";
import { columnsNamed, exactValue, inputColumns, type Row, rowText } from "./rows.ts";

/** The live rows of those entities that the base knows. */
export async function readBaseRows(
  featureSet: FeatureSet,
  entities: string[],
  { offlineRoot, scratch }: { offlineRoot: string; scratch: string },
): Promise<Map<string, Row[]>> {
  const folder = path.join(offlineRoot, offlineFolder(featureSet), "_rows");
  const names = (await readdir(folder).catch(() => [])).filter((name) => /^[^._].*\.parquet$/.test(name));
  const found = new Map<string, Map<string, { batch: bigint; row: Row }>>();
  if (names.length === 0 || entities.length === 0) return new Map();
  const inputs = inputColumns(featureSet);
  const keys = featureSet.source.primaryKey.length;
  await withDuckDb(scratch, async (connection) => {
    const files = names.map((name) => path.join(folder, name));
    for await (const line of rowsOf(connection, queryOf(featureSet, files, entities))) {
      const [entity, batch, eventTime, ...texts] = line as [string, bigint, bigint | null, ...string[]];
      const rows = found.get(entity) ?? new Map<string, { batch: bigint; row: Row }>();
      found.set(entity, rows);
      if (eventTime === null) continue; // a container that lost its rows
      const row: Row = {
        eventTime,
        key: texts.slice(0, keys),
        values: inputs.map((column, i) => exactValue(texts[keys + i] ?? null, column)),
      };
      // A row may be in two containers; both were written when it changed.
      const known = rows.get(rowText(row));
      if (known === undefined || known.batch < batch) rows.set(rowText(row), { batch, row });
    }
  });
  return new Map([...found].map(([entity, rows]) => [entity, [...rows.values()].map(({ row }) => row)]));
}

function queryOf(featureSet: FeatureSet, files: string[], entities: string[]): string {
  const entity = entityExpression(featureSet, "base");
  const keys = columnsNamed(featureSet, featureSet.source.primaryKey).map(({ name, type }) =>
    textExpression(`struct_extract(struct_extract(r, 'keys'), ${literal(name)})`, type.kind),
  );
  const values = inputColumns(featureSet).map((column) =>
    exactText(`struct_extract(struct_extract(r, 'values'), ${literal(column.name)})`, column),
  );
  const columns = ["entity", "batch_id", "epoch_us(struct_extract(r, 'event_time'))", ...keys, ...values];
  return `
    WITH containers AS (
      SELECT ${entity} AS entity, batch_id, rows
      FROM read_parquet([${files.map(literal).join(", ")}], hive_partitioning = false, union_by_name = true) AS base
      WHERE ${entity} IN (${entities.map(literal).join(", ")})
      QUALIFY batch_id = max(batch_id) OVER (PARTITION BY ${entity}, container_start)),
    each_row AS (SELECT entity, batch_id, unnest(CASE WHEN len(rows) = 0 THEN [NULL] ELSE rows END) AS r FROM containers)
    SELECT ${columns.map((column, i) => `${column} AS c${i}`).join(", ")} FROM each_row`;
}

/** Times as micros, dates as days, decimals in units of the last digit. */
function exactText(value: string, { type }: Column): string {
  switch (type.kind) {
    case "timestamp":
      return `epoch_us(${value})::VARCHAR`;
    case "date":
      return `datediff('day', DATE '1970-01-01', ${value})::VARCHAR`;
    case "decimal":
      return `replace(${value}::DECIMAL(38, ${type.scale})::VARCHAR, '.', '')`;
    default:
      return `${value}::VARCHAR`;
  }
}
