import { setTimeout as sleep } from "node:timers/promises";
import type pg from "pg";
import { UsageError } from "../../errors.ts";
import { type Database, withClient } from "./connection.ts";
import { toCents } from "./money.ts";
import { type ChangeCounts, noChanges, type OrderChange, statementOf } from "./order-change.ts";
import { pickSkewed, type Random, randomFrom, shuffled } from "./random.ts";

export interface TrafficOptions {
  /** Changes per second, above 0. */
  rate: number;
  /** Fires when it is time to stop; the promise then resolves with the counts. */
  signal: AbortSignal;
  /** Of the choices made; what comes out depends on the rows that are there, too. Default 1. */
  seed?: number;
  /** About once per second. */
  onProgress?: (progress: TrafficResult) => void;
}

export interface TrafficResult {
  /** Changes made, by kind. */
  changes: ChangeCounts;
  total: number;
  seconds: number;
}

/** Orders that live traffic changes: the newest ones, as in a real shop. */
const MOST_ORDERS = 10_000;
const MOST_PER_TRANSACTION = 500;
/** Further behind than this (a suspended laptop, a stopped server), the rest is let go instead of caught up. */
const MOST_SECONDS_BEHIND = 5;
const PROGRESS_EVERY_MS = 1_000;

/**
 * Writes live changes of orders, `rate` per second, until the signal fires. Event time is now. Each change is a
 * transaction of its own; those that are due at the same moment share one. Throws UsageError without customers
 * or products to choose from.
 */
export async function traffic(database: Database, options: TrafficOptions): Promise<TrafficResult> {
  if (!(options.rate > 0 && Number.isFinite(options.rate))) {
    throw new UsageError(`the rate must be a number above 0, not ${options.rate}`);
  }
  return withClient(database, async (client) => {
    const random = randomFrom(options.seed ?? 1);
    const shop = await readShop(client, random);
    return keepPace(client, shop, random, options);
  });
}

async function keepPace(
  client: pg.ClientBase,
  shop: LiveShop,
  random: Random,
  { rate, signal, onProgress }: TrafficOptions,
): Promise<TrafficResult> {
  const changes = noChanges();
  const startedAt = performance.now();
  let paceFrom = startedAt;
  let paced = 0;
  let total = 0;
  let reportAt = startedAt + PROGRESS_EVERY_MS;
  const result = () => ({ changes: { ...changes }, total, seconds: (performance.now() - startedAt) / 1_000 });

  while (!signal.aborted) {
    const now = performance.now();
    if (now >= reportAt) {
      onProgress?.(result());
      reportAt = now + PROGRESS_EVERY_MS;
    }
    const due = Math.floor(((now - paceFrom) / 1_000) * rate) - paced;
    if (due < 1) {
      await pause(Math.min(paceFrom + ((paced + 1) / rate) * 1_000, reportAt) - now, signal);
      continue;
    }
    if (due > Math.max(1, rate * MOST_SECONDS_BEHIND)) {
      paceFrom = now;
      paced = 0;
      continue;
    }
    const batch = Array.from({ length: Math.min(due, MOST_PER_TRANSACTION) }, () => nextChange(shop, random));
    const made = await write(client, batch, shop);
    for (const change of made) changes[change.kind]++;
    total += made.length;
    // Only what was made counts: an order that somebody else deleted meanwhile is made up for by another change.
    paced += made.length;
  }
  return result();
}

interface LiveShop {
  customerIds: number[];
  products: { productId: number; priceCents: number }[];
  orderIds: number[];
}

async function readShop(client: pg.ClientBase, random: Random): Promise<LiveShop> {
  const customers = await client.query<{ id: string }>(
    "SELECT customer_id AS id FROM public.customers ORDER BY 1",
  );
  const products = await client.query<{ id: string; price: string }>(
    "SELECT product_id AS id, price FROM public.products ORDER BY 1",
  );
  const orders = await client.query<{ id: string }>(
    "SELECT order_id AS id FROM public.orders ORDER BY 1 DESC LIMIT $1",
    [MOST_ORDERS],
  );
  if (customers.rows.length === 0 || products.rows.length === 0) {
    throw new UsageError("the shop has no customers or no products to choose from", {
      hint: "Fill it with `cdc-features seed`.",
    });
  }
  return {
    customerIds: shuffled(
      customers.rows.map((row) => Number(row.id)),
      random,
    ),
    products: products.rows.map((row) => ({ productId: Number(row.id), priceCents: toCents(row.price) })),
    orderIds: orders.rows.map((row) => Number(row.id)),
  };
}

/** Six in ten are new orders; the others change one that is there. */
function nextChange(shop: LiveShop, random: Random): OrderChange {
  const at = new Date();
  const dice = random.next();
  const product = pickSkewed(shop.products, random);
  const quantity = random.integer(1, 3);
  const totalCents = product.priceCents * quantity;
  const customerId = pickSkewed(shop.customerIds, random);
  if (dice < 0.6 || shop.orderIds.length === 0) {
    return { kind: "insert", at, customerId, productId: product.productId, quantity, totalCents };
  }
  const orderId = random.pick(shop.orderIds);
  if (dice < 0.8)
    return { kind: "status", at, orderId, status: random.pick(["shipped", "returned", "cancelled"]) };
  if (dice < 0.9) return { kind: "amount", at, orderId, quantity, totalCents };
  if (dice < 0.93) return { kind: "move", at, orderId, to: { customerId } };
  if (dice < 0.96) return { kind: "move", at, orderId, to: { productId: product.productId } };
  return { kind: "delete", at, orderId };
}

/** Writes them in one round trip and keeps the list of orders true; returns the changes that met a row. */
async function write(client: pg.ClientBase, batch: OrderChange[], shop: LiveShop): Promise<OrderChange[]> {
  const answer = await client.query<{ order_id: string }>(batch.map(statementOf).join(";"));
  const results = Array.isArray(answer) ? (answer as pg.QueryResult<{ order_id: string }>[]) : [answer];
  const gone = new Set<number>();
  const made = batch.filter((change, index) => {
    const result = results[index];
    if (change.kind === "insert") shop.orderIds.push(Number(result?.rows[0]?.order_id));
    else if (change.kind === "delete" || result?.rowCount === 0) gone.add(change.orderId);
    return result?.rowCount !== 0;
  });
  if (gone.size > 0) shop.orderIds = shop.orderIds.filter((id) => !gone.has(id));
  if (shop.orderIds.length > MOST_ORDERS) shop.orderIds = shop.orderIds.slice(-MOST_ORDERS);
  return made;
}

async function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  // The signal rejects the sleep; the loop sees it and ends.
  await sleep(Math.max(0, milliseconds), undefined, { signal }).catch(() => {});
}
