import pg from "pg";
import { UsageError } from "../../errors.ts";
import type { Customer, Product } from "./catalogue.ts";
import { type Database, explainingLocks, withClient } from "./connection.ts";
import { DEFAULT_SIZES, type History, history } from "./history.ts";
import { fromCents } from "./money.ts";
import { type ChangeCounts, noChanges, statementOf } from "./order-change.ts";
import { countRows, createShop, type RowCounts } from "./schema.ts";

export interface SeedOptions {
  /** Same seed, sizes and `until`: same rows. Default 1. */
  seed?: number;
  customers?: number;
  products?: number;
  orders?: number;
  /** The history ends here. Default: the start of the current hour, UTC. */
  until?: Date;
  /** Write although there are rows already; customers and products that exist stay as they are. */
  append?: boolean;
}

export interface SeedProgress {
  /** Statements written, of `total`. */
  written: number;
  total: number;
}

export interface SeedResult {
  /** Rows in the three tables afterwards. */
  rows: RowCounts;
  /** Changes of orders written now, by kind. */
  changes: ChangeCounts;
  until: Date;
}

/** Somebody's rows are there, be it since a moment ago. */
export class ShopNotEmpty extends UsageError {}

/** Round trips, not statements, are what costs. */
const STATEMENTS_PER_ROUND_TRIP = 1_000;

/**
 * Fills the shop with its last 60 days, in the order of the changes, customers and products first. One
 * transaction: an interrupted seed leaves nothing behind. Creates the tables when they are missing.
 * Throws UsageError on a size that is not a positive whole number, ShopNotEmpty on a shop with rows unless `append`.
 */
export async function seed(
  database: Database,
  options: SeedOptions = {},
  onProgress?: (progress: SeedProgress) => void,
): Promise<SeedResult> {
  const sizes = checkedSizes(options);
  const until = options.until ?? hourStart(new Date());
  return withClient(database, async (client) => {
    await createShop(client);
    return inTransaction(client, async () => {
      await lockOrders(client);
      if (!options.append) await refuseRows(client);
      const firstOrderId = await nextOrderId(client);
      const past = history({ ...sizes, seed: options.seed ?? 1, until, firstOrderId });
      await write(client, past, onProgress);
      await moveIdentity(client, firstOrderId + sizes.orders - 1);
      return { rows: await countRows(client), changes: countChanges(past), until };
    });
  });
}

async function write(client: pg.ClientBase, past: History, onProgress?: (progress: SeedProgress) => void) {
  const statements = [
    ...past.customers.map(insertCustomer),
    ...past.products.map(insertProduct),
    ...past.changes.map(statementOf),
  ];
  for (let from = 0; from < statements.length; from += STATEMENTS_PER_ROUND_TRIP) {
    const some = statements.slice(from, from + STATEMENTS_PER_ROUND_TRIP);
    await client.query(some.join(";"));
    onProgress?.({ written: from + some.length, total: statements.length });
  }
}

/**
 * Before anything is looked at: of two that seed at a time the second sees the rows of the first. The lock also
 * keeps other writers away until the commit, so that none of them is given one of these ids.
 */
async function lockOrders(client: pg.ClientBase): Promise<void> {
  await explainingLocks(() =>
    client.query(
      "SET LOCAL lock_timeout = '60s'; LOCK TABLE public.orders IN SHARE ROW EXCLUSIVE MODE; SET LOCAL lock_timeout = 0",
    ),
  );
}

async function nextOrderId(client: pg.ClientBase): Promise<number> {
  const { rows } = await client.query<{ next: string }>(
    "SELECT coalesce(max(order_id), 0) + 1 AS next FROM public.orders",
  );
  return Number(rows[0]?.next);
}

/** Ids that are written do not move the identity; without this the next INSERT would meet one of them. */
async function moveIdentity(client: pg.ClientBase, lastOrderId: number): Promise<void> {
  const sequence = "pg_get_serial_sequence('public.orders', 'order_id')::regclass";
  await client.query(`SELECT setval(${sequence}, greatest($1, pg_sequence_last_value(${sequence})))`, [
    lastOrderId,
  ]);
}

async function refuseRows(client: pg.ClientBase): Promise<void> {
  const rows = await countRows(client);
  if (rows.customers + rows.products + rows.orders === 0) return;
  throw new ShopNotEmpty(
    `the shop is not empty: ${rows.customers} customers, ${rows.products} products, ${rows.orders} orders`,
    { hint: "Add to it with --append, or delete the rows of the three tables first." },
  );
}

async function inTransaction<T>(client: pg.ClientBase, work: () => Promise<T>): Promise<T> {
  await client.query("BEGIN");
  try {
    const result = await work();
    await client.query("COMMIT");
    return result;
  } catch (error) {
    // The first error is the one to tell; a rollback fails too when the connection is gone.
    await client.query("ROLLBACK").catch(() => {});
    throw error;
  }
}

function insertCustomer(row: Customer): string {
  const text = [row.email, row.country, row.segment, row.createdAt.toISOString()]
    .map(pg.escapeLiteral)
    .join(", ");
  return `INSERT INTO public.customers VALUES (${row.customerId}, ${text}) ON CONFLICT DO NOTHING`;
}

function insertProduct(row: Product): string {
  const text = [row.name, row.category, fromCents(row.priceCents), row.createdAt.toISOString()];
  return `INSERT INTO public.products VALUES (${row.productId}, ${text.map(pg.escapeLiteral).join(", ")}) ON CONFLICT DO NOTHING`;
}

function checkedSizes(options: SeedOptions): { customers: number; products: number; orders: number } {
  const sizes = {
    customers: options.customers ?? DEFAULT_SIZES.customers,
    products: options.products ?? DEFAULT_SIZES.products,
    orders: options.orders ?? DEFAULT_SIZES.orders,
  };
  for (const [name, size] of Object.entries(sizes)) {
    if (!Number.isSafeInteger(size) || size < 1) {
      throw new UsageError(`the number of ${name} must be a whole number of at least 1, not ${size}`);
    }
  }
  return sizes;
}

function countChanges(past: History): ChangeCounts {
  const counts = noChanges();
  for (const change of past.changes) counts[change.kind]++;
  return counts;
}

function hourStart(instant: Date): Date {
  const start = new Date(instant);
  start.setUTCMinutes(0, 0, 0);
  return start;
}
