import { readFile } from "node:fs/promises";
import type pg from "pg";
import { type Database, explainingLocks, withClient } from "./connection.ts";

/** Any number that other programs are unlikely to use for an advisory lock in this database. */
const SCHEMA_LOCK = 6_320_260_101;

export interface RowCounts {
  customers: number;
  products: number;
  orders: number;
}

/**
 * Creates the three tables with full replica identity; what is there already stays as it is. Throws
 * EnvironmentError when another transaction holds on to them.
 */
export async function createShop(database: Database): Promise<void> {
  const schema = await readFile(new URL("./schema.sql", import.meta.url), "utf8");
  // Two concurrent CREATE TABLE IF NOT EXISTS can both find nothing and one then fails, hence the lock.
  await withClient(database, (client) =>
    explainingLocks(async () => {
      try {
        await client.query(
          `BEGIN; SET LOCAL lock_timeout = '10s'; SELECT pg_advisory_xact_lock(${SCHEMA_LOCK}); ${schema}; COMMIT;`,
        );
      } catch (error) {
        await client.query("ROLLBACK").catch(() => {});
        throw error;
      }
    }),
  );
}

/** Whether none of the three tables holds a row. */
export async function isEmpty(database: Database): Promise<boolean> {
  const counts = await withClient(database, countRows);
  return counts.customers + counts.products + counts.orders === 0;
}

export async function countRows(client: pg.ClientBase): Promise<RowCounts> {
  const { rows } = await client.query<Record<keyof RowCounts, string>>(
    `SELECT (SELECT count(*) FROM public.customers) AS customers,
            (SELECT count(*) FROM public.products) AS products,
            (SELECT count(*) FROM public.orders) AS orders`,
  );
  const counts = rows[0];
  return {
    customers: Number(counts?.customers),
    products: Number(counts?.products),
    orders: Number(counts?.orders),
  };
}
