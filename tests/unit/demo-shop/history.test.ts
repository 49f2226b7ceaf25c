import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { type History, type HistoryOptions, history } from "../../../src/stack/demo-shop/history.ts";
import { statementOf } from "../../../src/stack/demo-shop/order-change.ts";

const DAY_MS = 86_400_000;
const OPTIONS: HistoryOptions = {
  seed: 1,
  until: new Date("2026-03-01T00:00:00Z"),
  customers: 200,
  products: 30,
  orders: 2_000,
  firstOrderId: 1,
};

const hashOf = (past: History) => createHash("sha256").update(JSON.stringify(past)).digest("hex");

describe("history", () => {
  it("is the same for the same options", () => {
    expect(hashOf(history(OPTIONS))).toBe(hashOf(history(OPTIONS)));
  });

  it("is the same on every machine and in every release", () => {
    expect(hashOf(history(OPTIONS)).slice(0, 16)).toBe("926e64fb32f9406d");
  });

  it("is another one for another seed, and only shifted for another end", () => {
    expect(hashOf(history({ ...OPTIONS, seed: 2 }))).not.toBe(hashOf(history(OPTIONS)));
    const later = history({ ...OPTIONS, until: new Date(OPTIONS.until.getTime() + DAY_MS) });
    const shiftedBack = later.changes.map((change) => ({
      ...change,
      at: new Date(change.at.getTime() - DAY_MS),
    }));
    expect(shiftedBack).toEqual(history(OPTIONS).changes);
  });

  it("has the sizes asked for, with ids that follow each other", () => {
    const past = history({ ...OPTIONS, firstOrderId: 501 });
    const inserted = past.changes
      .filter((change) => change.kind === "insert")
      .map((change) => change.orderId);
    expect(past.customers.map((row) => row.customerId)).toEqual(Array.from({ length: 200 }, (_, i) => i + 1));
    expect(past.products.map((row) => row.productId)).toEqual(Array.from({ length: 30 }, (_, i) => i + 1));
    expect(inserted).toEqual(Array.from({ length: 2_000 }, (_, i) => i + 501));
  });

  it("is ordered by the time of the change and spans the 60 days before its end", () => {
    const times = history(OPTIONS).changes.map((change) => change.at.getTime());
    const start = OPTIONS.until.getTime() - 60 * DAY_MS;
    expect(times).toEqual([...times].sort((a, b) => a - b));
    expect(times[0]).toBeGreaterThanOrEqual(start);
    expect(times[0]).toBeLessThan(start + DAY_MS);
    expect(times.at(-1)).toBeLessThan(OPTIONS.until.getTime());
    expect(times.at(-1)).toBeGreaterThan(OPTIONS.until.getTime() - DAY_MS);
  });

  it("knows every customer and product before the first order", () => {
    const past = history(OPTIONS);
    const first = past.changes[0]?.at.getTime();
    for (const row of [...past.customers, ...past.products]) {
      expect(row.createdAt.getTime()).toBeLessThan(first ?? 0);
    }
  });

  it("changes and deletes living orders only", () => {
    const past = history(OPTIONS);
    const living = new Set<number | undefined>();
    for (const change of past.changes) {
      expect(living.has(change.orderId)).toBe(change.kind !== "insert");
      if (change.kind === "insert") living.add(change.orderId);
      if (change.kind === "delete") living.delete(change.orderId);
    }
    expect(living.size).toBeLessThan(2_000);
    expect(living.size).toBeGreaterThan(1_800);
  });

  it("refers to customers and products that exist", () => {
    const past = history(OPTIONS);
    const customers = new Set(past.customers.map((row) => row.customerId));
    const products = new Set(past.products.map((row) => row.productId));
    for (const change of past.changes) {
      const target = change.kind === "insert" ? change : change.kind === "move" ? change.to : {};
      if ("customerId" in target) expect(customers).toContain(target.customerId);
      if ("productId" in target) expect(products).toContain(target.productId);
    }
  });

  it("has every kind of change, moves to both sides among them", () => {
    const { changes } = history(OPTIONS);
    const moves = changes.flatMap((change) => (change.kind === "move" ? [Object.keys(change.to)[0]] : []));
    expect(new Set(changes.map((change) => change.kind))).toEqual(
      new Set(["insert", "status", "amount", "move", "delete"]),
    );
    expect(new Set(moves)).toEqual(new Set(["customerId", "productId"]));
  });

  it("counts money in whole cents: an order costs its pieces times the price", () => {
    const past = history(OPTIONS);
    const price = new Map(past.products.map((row) => [row.productId, row.priceCents]));
    for (const change of past.changes) {
      if (change.kind === "insert") {
        expect(change.totalCents).toBe((price.get(change.productId) ?? 0) * change.quantity);
      }
      if (change.kind === "amount") expect(Number.isSafeInteger(change.totalCents)).toBe(true);
    }
  });

  it("is skewed: the best tenth of the customers places over a quarter of the orders, some place none", () => {
    const placed = new Map<number, number>();
    for (const change of history(OPTIONS).changes) {
      if (change.kind === "insert") placed.set(change.customerId, (placed.get(change.customerId) ?? 0) + 1);
    }
    const counts = [...placed.values()].sort((a, b) => b - a);
    const best = counts.slice(0, 20).reduce((sum, count) => sum + count, 0);
    expect(best).toBeGreaterThan(500);
    expect(placed.size).toBeLessThan(190);
  });

  it("can be as small as one order", () => {
    const past = history({ ...OPTIONS, customers: 1, products: 1, orders: 1 });
    expect(past.changes.filter((change) => change.kind === "insert")).toHaveLength(1);
  });

  it("becomes SQL that says each change", () => {
    const at = new Date("2026-02-03T04:05:06.007Z");
    const insert = {
      kind: "insert",
      at,
      customerId: 7,
      productId: 3,
      quantity: 2,
      totalCents: 1_905,
    } as const;
    expect([
      statementOf({ ...insert, orderId: 11 }),
      statementOf(insert),
      statementOf({ kind: "status", at, orderId: 11, status: "shipped" }),
      statementOf({ kind: "amount", at, orderId: 11, quantity: 1, totalCents: 5 }),
      statementOf({ kind: "move", at, orderId: 11, to: { customerId: 8 } }),
      statementOf({ kind: "move", at, orderId: 11, to: { productId: 4 } }),
      statementOf({ kind: "delete", at, orderId: 11 }),
    ]).toMatchInlineSnapshot(`
      [
        "INSERT INTO public.orders VALUES (11, 7, 3, 2, 19.05, 'new', '2026-02-03T04:05:06.007Z', '2026-02-03T04:05:06.007Z') RETURNING order_id",
        "INSERT INTO public.orders VALUES (DEFAULT, 7, 3, 2, 19.05, 'new', '2026-02-03T04:05:06.007Z', '2026-02-03T04:05:06.007Z') RETURNING order_id",
        "UPDATE public.orders SET status = 'shipped', updated_at = '2026-02-03T04:05:06.007Z' WHERE order_id = 11",
        "UPDATE public.orders SET quantity = 1, total_amount = 0.05, updated_at = '2026-02-03T04:05:06.007Z' WHERE order_id = 11",
        "UPDATE public.orders SET customer_id = 8, updated_at = '2026-02-03T04:05:06.007Z' WHERE order_id = 11",
        "UPDATE public.orders SET product_id = 4, updated_at = '2026-02-03T04:05:06.007Z' WHERE order_id = 11",
        "DELETE FROM public.orders WHERE order_id = 11",
      ]
    `);
  });
});
