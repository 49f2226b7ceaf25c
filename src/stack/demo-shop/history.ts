/**
 * Sixty days of a shop, made up: pure, and the same for the same options on every machine.
 */

import { activeIds, type Customer, customers, type Product, products } from "./catalogue.ts";
import type { OrderChange } from "./order-change.ts";
import { pickSkewed, type Random, randomFrom } from "./random.ts";

export interface HistoryOptions {
  seed: number;
  /** Every change happens before this instant. */
  until: Date;
  customers: number;
  products: number;
  /** How many orders are placed; deleted ones are among them. */
  orders: number;
  /** The first order's id; the others follow. */
  firstOrderId: number;
}

export interface History {
  customers: Customer[];
  products: Product[];
  /** In the order in which they happen. */
  changes: OrderChange[];
}

export const HISTORY_DAYS = 60;
export const DEFAULT_SIZES = { customers: 2_000, products: 300, orders: 20_000 } as const;

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

/** Sizes must be whole and positive. */
export function history(options: HistoryOptions): History {
  const random = randomFrom(options.seed);
  const start = new Date(options.until.getTime() - HISTORY_DAYS * DAY_MS);
  const buyers = customers(options.customers, start, random);
  const goods = products(options.products, start, random);
  const shop: Shop = {
    buyers: activeIds(
      buyers.map((buyer) => buyer.customerId),
      0.85,
      random,
    ),
    goods: activeIds(
      goods.map((product) => product.productId),
      0.95,
      random,
    ),
    priceCents: new Map(goods.map((product) => [product.productId, product.priceCents])),
  };
  const changes = orderTimes(options.orders, start, options.until, random)
    .flatMap((placedAt, index) => lifeOf(options.firstOrderId + index, placedAt, shop, random))
    .filter((change) => change.at < options.until)
    .sort((a, b) => a.at.getTime() - b.at.getTime());
  return { customers: buyers, products: goods, changes };
}

interface Shop {
  /** Best customers first. */
  buyers: number[];
  /** Best sellers first. */
  goods: number[];
  priceCents: Map<number, number>;
}

function orderTimes(count: number, start: Date, until: Date, random: Random): number[] {
  const span = until.getTime() - start.getTime();
  return Array.from({ length: count }, () => start.getTime() + Math.floor(random.next() * span)).sort(
    (a, b) => a - b,
  );
}

/** All that happens to one order, each change later than the one before. */
function lifeOf(orderId: number, placedAt: number, shop: Shop, random: Random): OrderChange[] {
  let now = placedAt;
  const later = (least: number, most: number) => {
    now += random.integer(least, most);
    return new Date(now);
  };
  const productId = pickSkewed(shop.goods, random);
  const price = shop.priceCents.get(productId) as number;
  const quantity = quantityOf(random);
  const life: OrderChange[] = [
    {
      kind: "insert",
      at: new Date(placedAt),
      orderId,
      customerId: pickSkewed(shop.buyers, random),
      productId,
      quantity,
      totalCents: price * quantity,
    },
  ];
  if (random.chance(0.08)) life.push(corrected(orderId, price, random, later(MINUTE_MS, 12 * HOUR_MS)));
  if (random.chance(0.02)) {
    const to = { customerId: pickSkewed(shop.buyers, random) };
    life.push({ kind: "move", at: later(MINUTE_MS, DAY_MS), orderId, to });
  }
  if (random.chance(0.02)) {
    const to = { productId: pickSkewed(shop.goods, random) };
    life.push({ kind: "move", at: later(MINUTE_MS, DAY_MS), orderId, to });
  }
  if (random.chance(0.07)) {
    life.push({ kind: "status", at: later(MINUTE_MS, DAY_MS), orderId, status: "cancelled" });
  } else {
    life.push({ kind: "status", at: later(2 * HOUR_MS, 3 * DAY_MS), orderId, status: "shipped" });
    if (random.chance(0.04)) {
      life.push({ kind: "status", at: later(2 * DAY_MS, 14 * DAY_MS), orderId, status: "returned" });
    }
  }
  if (random.chance(0.03)) life.push({ kind: "delete", at: later(MINUTE_MS, 5 * DAY_MS), orderId });
  return life;
}

/** Another quantity, or the same price with a rebate in whole percent (rounded down to a cent). */
function corrected(orderId: number, price: number, random: Random, at: Date): OrderChange {
  const quantity = quantityOf(random);
  const percent = random.chance(0.5) ? 100 : random.integer(70, 95);
  return {
    kind: "amount",
    at,
    orderId,
    quantity,
    totalCents: Math.floor((price * quantity * percent) / 100),
  };
}

/** Mostly one piece, seldom up to six. */
function quantityOf(random: Random): number {
  return 1 + Math.floor(6 * random.next() ** 3);
}
