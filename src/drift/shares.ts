/** How the rows of each period are spread over bins. */
import type { DuckDBConnection } from "@duckdb/node-api";
import type { Both } from "./feature-drift.ts";

export interface Shares extends Both<number[]> {
  nulls: Both<number>;
}

/**
 * Shares of all rows of a period, by bin. `bin` is an expression over `compared` that gives a row's bin, from 0 to below `bins`,
 * or null, which is a bin of its own. Each period has rows.
 */
export async function sharesOf(connection: DuckDBConnection, bin: string, bins: number): Promise<Shares> {
  const share = (condition: string) => {
    const count = `count(*) FILTER (${condition})`;
    return `(${count} / sum(${count}) OVER ())::DOUBLE`;
  };
  const result = await connection.runAndReadAll(
    `SELECT (${bin})::INTEGER, ${share("NOT _is_current")}, ${share("_is_current")} FROM compared GROUP BY ALL`,
  );
  const shares: Shares = {
    reference: new Array(bins).fill(0),
    current: new Array(bins).fill(0),
    nulls: { reference: 0, current: 0 },
  };
  for (const [index, reference, current] of result.getRows() as [number | null, number, number][]) {
    if (index === null) shares.nulls = { reference, current };
    else {
      shares.reference[index] = reference;
      shares.current[index] = current;
    }
  }
  return shares;
}
