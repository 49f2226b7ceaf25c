/** What is measured of texts, booleans and dates: each value is a category. */
import type { DuckDBConnection } from "@duckdb/node-api";
import { identifier, literal } from "../platform/duckdb.ts";
import type { Measures } from "./feature-drift.ts";
import { populationStabilityIndex } from "./psi.ts";
import { sharesOf } from "./shares.ts";

/** Values with a bin of their own; all others share one. */
const MOST_CATEGORIES = 20;

/** Of a column of texts in `compared`, in which each period has rows. */
export async function measureCategories(connection: DuckDBConnection, feature: string): Promise<Measures> {
  const column = identifier(feature);
  const categories = await mostFrequent(connection, column);
  const position = `list_position([${categories.map(literal).join(", ")}]::VARCHAR[], ${column})`;
  const bin = `CASE WHEN ${column} IS NOT NULL THEN coalesce(${position} - 1, ${categories.length}) END`;
  const { nulls, ...shares } = await sharesOf(connection, bin, categories.length + 1);
  return {
    psi: populationStabilityIndex({
      reference: [...shares.reference, nulls.reference],
      current: [...shares.current, nulls.current],
    }),
    ks: null,
    nullRate: nulls,
    zeroRate: null,
    summary: null,
    histogram: {
      categories,
      reference: shares.reference.slice(0, -1),
      current: shares.current.slice(0, -1),
      other: { reference: shares.reference.at(-1) ?? 0, current: shares.current.at(-1) ?? 0 },
      nulls,
    },
  };
}

/** Of both periods together, the most frequent first. */
async function mostFrequent(connection: DuckDBConnection, column: string): Promise<string[]> {
  const result = await connection.runAndReadAll(
    `SELECT ${column} FROM compared WHERE ${column} IS NOT NULL
     GROUP BY ${column} ORDER BY count(*) DESC, ${column} LIMIT ${MOST_CATEGORIES}`,
  );
  return result.getRows().map(([value]) => value as string);
}
