/** What is measured of numbers. */
import type { DuckDBConnection, DuckDBListValue } from "@duckdb/node-api";
import { identifier } from "../platform/duckdb.ts";
import type { Both, Measures, Summary } from "./feature-drift.ts";
import { populationStabilityIndex } from "./psi.ts";
import { sharesOf } from "./shares.ts";

const DECILES = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9];
const SUMMARY = [0, 0.25, 0.5, 0.75, 1];

/** Of a column of doubles in `compared`, in which each period has rows. */
export async function measureNumbers(connection: DuckDBConnection, feature: string): Promise<Measures> {
  const column = identifier(feature);
  const edges = await decilesOf(connection, column);
  const above = ["0", ...edges.map((edge) => `(${column} > ${edge}::DOUBLE)::INTEGER`)].join(" + ");
  const { nulls, reference, current } = await sharesOf(
    connection,
    `CASE WHEN ${column} IS NOT NULL THEN ${above} END`,
    edges.length + 1,
  );
  return {
    psi: populationStabilityIndex({
      reference: [...reference, nulls.reference],
      current: [...current, nulls.current],
    }),
    ks: await kolmogorovSmirnov(connection, column),
    nullRate: nulls,
    ...(await summaryOf(connection, column)),
    histogram: { edges, reference, current, nulls },
  };
}

/** The reference's, each once: many equal values make neighbouring deciles one. Empty without values. */
async function decilesOf(connection: DuckDBConnection, column: string): Promise<number[]> {
  const result = await connection.runAndReadAll(
    `SELECT quantile_cont(${column}, [${DECILES.join(", ")}]) FROM compared WHERE NOT _is_current`,
  );
  return [...new Set(numbersIn(result.getRows()[0]?.[0]))];
}

/** The greatest distance between the two empirical distribution distributions, over all values; null when a period has none. */
async function kolmogorovSmirnov(connection: DuckDBConnection, column: string): Promise<number | null> {
  const distribution = (counts: string) =>
    `sum(${counts}) OVER (ORDER BY value)::DOUBLE / nullif(sum(${counts}) OVER (), 0)`;
  const result = await connection.runAndReadAll(
    `WITH counted AS (
       SELECT ${column} AS value, count(*) FILTER (NOT _is_current) AS r, count(*) FILTER (_is_current) AS c
       FROM compared WHERE ${column} IS NOT NULL GROUP BY ALL
     ), distributions AS (SELECT ${distribution("r")} AS reference, ${distribution("c")} AS current FROM counted)
     SELECT max(abs(reference - current)) FROM distributions`,
  );
  return result.getRows()[0]?.[0] as number | null;
}

async function summaryOf(
  connection: DuckDBConnection,
  column: string,
): Promise<{ zeroRate: Both<number>; summary: Both<Summary> }> {
  const result = await connection.runAndReadAll(
    `SELECT avg(${column}), quantile_cont(${column}, [${SUMMARY.join(", ")}]), count(*) FILTER (${column} = 0) / count(*)
     FROM compared GROUP BY _is_current ORDER BY _is_current`,
  );
  const [reference, current] = result.getRows() as [number | null, unknown, number][];
  if (reference === undefined || current === undefined) throw new RangeError("each period has rows");
  const summary = ([mean, quantiles]: [number | null, unknown, number]): Summary => {
    const [min = null, p25 = null, median = null, p75 = null, max = null] = numbersIn(quantiles);
    return { mean, min, p25, median, p75, max };
  };
  return {
    zeroRate: { reference: reference[2], current: current[2] },
    summary: { reference: summary(reference), current: summary(current) },
  };
}

/** Of a list that DuckDB gives; none where it gives null. */
function numbersIn(list: unknown): number[] {
  return list == null ? [] : ((list as DuckDBListValue).items as number[]);
}
