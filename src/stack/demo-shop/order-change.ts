/** One change of one order, and the statement that makes it. */

import { fromCents } from "./money.ts";

export const STATUSES = ["new", "shipped", "returned", "cancelled"] as const;
export type Status = (typeof STATUSES)[number];

/** `at` is the time of the change; the event time of an order is that of its insert and never changes. */
export type OrderChange = { at: Date } & (
  | {
      kind: "insert";
      /** Left out, the table's identity gives the next one. */
      orderId?: number;
      customerId: number;
      productId: number;
      quantity: number;
      totalCents: number;
    }
  | { kind: "status"; orderId: number; status: Status }
  | { kind: "amount"; orderId: number; quantity: number; totalCents: number }
  | { kind: "move"; orderId: number; to: { customerId: number } | { productId: number } }
  | { kind: "delete"; orderId: number }
);

export type ChangeCounts = Record<OrderChange["kind"], number>;

export function noChanges(): ChangeCounts {
  return { insert: 0, status: 0, amount: 0, move: 0, delete: 0 };
}

/** SQL without parameters, so that many can go in one round trip. Nothing in it comes from a user. */
export function statementOf(change: OrderChange): string {
  const at = `'${change.at.toISOString()}'`;
  switch (change.kind) {
    case "insert": {
      const id = change.orderId === undefined ? "DEFAULT" : change.orderId;
      return `INSERT INTO public.orders VALUES (${id}, ${change.customerId}, ${change.productId}, ${change.quantity}, ${fromCents(change.totalCents)}, 'new', ${at}, ${at}) RETURNING order_id`;
    }
    case "status":
      return update(change.orderId, `status = '${change.status}', updated_at = ${at}`);
    case "amount":
      return update(
        change.orderId,
        `quantity = ${change.quantity}, total_amount = ${fromCents(change.totalCents)}, updated_at = ${at}`,
      );
    case "move":
      return "customerId" in change.to
        ? update(change.orderId, `customer_id = ${change.to.customerId}, updated_at = ${at}`)
        : update(change.orderId, `product_id = ${change.to.productId}, updated_at = ${at}`);
    case "delete":
      return `DELETE FROM public.orders WHERE order_id = ${change.orderId}`;
  }
}

function update(orderId: number, assignments: string): string {
  return `UPDATE public.orders SET ${assignments} WHERE order_id = ${orderId}`;
}
