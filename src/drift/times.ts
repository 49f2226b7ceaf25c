/** What is measured of timestamps and dates: nulls alone, since times move with the period that they are taken from. */
import type { DuckDBConnection } from "@duckdb/node-api";
import { identifier } from "../platform/duckdb.ts";
import type { Measures } from "./feature-drift.ts";
import { sharesOf } from "./shares.ts";

/** Of a column in `compared`, in which each period has rows. */
export async function measureTimes(connection: DuckDBConnection, feature: string): Promise<Measures> {
  const bin = `CASE WHEN ${identifier(feature)} IS NOT NULL THEN 0 END`;
  const { nulls } = await sharesOf(connection, bin, 1);
  return { psi: null, ks: null, nullRate: nulls, zeroRate: null, summary: null, histogram: null };
}
