/** Columns of Parquet files as text, as DuckDB makes it: the forms are those of the online store. */
import type { Column, FeatureSet, FeatureType } from "../definition/feature-set.ts";
import { identifier } from "../platform/duckdb.ts";
import { columnsNamed } from "./rows.ts";

/** DuckDB's names of the types that a column may have in Parquet; a decimal's precision may be any. */
export function parquetTypes({ type }: { type: Column["type"] | FeatureType }): string[] {
  switch (type.kind) {
    case "text":
      return ["VARCHAR"];
    case "timestamp":
      return TIMES;
    case "decimal":
      return [`DECIMAL(*,${"digits" in type ? type.digits : type.scale})`];
    default:
      return [type.kind.toUpperCase()];
  }
}

export const TIMES = ["TIMESTAMP", "TIMESTAMP WITH TIME ZONE"];

/** An expression for the text of a value; decimals have the digits of their column. */
export function textExpression(column: string, kind: Column["type"]["kind"]): string {
  if (kind !== "timestamp") return `${column}::VARCHAR`;
  const seconds = `strftime(${column}::TIMESTAMP, '%Y-%m-%dT%H:%M:%S')`;
  const fraction = `CASE WHEN epoch_us(${column}) % 1000000 = 0 THEN '' ELSE strftime(${column}::TIMESTAMP, '.%f') END`;
  return `${seconds} || ${fraction} || 'Z'`;
}

/** An expression for an entity's key as `entityText` makes it; null when one of its columns is. */
export function entityExpression(featureSet: FeatureSet, table: string): string {
  const texts = columnsNamed(featureSet, featureSet.entity).map(({ name, type }) =>
    textExpression(`${table}.${identifier(name)}`, type.kind),
  );
  if (texts.length === 1) return texts[0] as string;
  return texts.map((text) => `regexp_replace(${text}, '([\\\\:])', '\\\\\\1', 'g')`).join(" || ':' || ");
}
