/** Changes of orders at a steady rate: inserts, and one in five an update of an order that is there. Each has an event time behind all before. */
import type pg from "pg";
import { isoOfMicros } from "../platform/instants.ts";
import { sleep } from "../platform/waits.ts";
import type { Orders } from "./orders.ts";

export interface CommittedChange {
  /** Counts from 0. */
  number: number;
  customer: number;
  /** The order's event time now, micros since 1970. */
  instant: bigint;
  /** By performance.now(), right after COMMIT. */
  committedAt: number;
}

interface Change {
  customer: number;
  instant: bigint;
  cents: number;
  orderId: number;
  kind: "insert" | "update";
}

const UPDATE_EVERY = 5;
const MOST_PER_TRANSACTION = 1_000;

export class LiveOrders {
  readonly #client: pg.ClientBase;
  readonly #orders: Orders;
  readonly #customerOf: (number: number) => number;
  /** The newest order of each customer that is known. */
  readonly #latest = new Map<number, number>();
  #written = 0;

  /** `customerOf` names the customer of a change by its number. */
  constructor(client: pg.ClientBase, orders: Orders, customerOf: (number: number) => number) {
    this.#client = client;
    this.#orders = orders;
    this.#customerOf = customerOf;
  }

  /** So that updates meet orders that were there before. */
  async knowOrdersOf(from: number, to: number): Promise<void> {
    const { rows } = await this.#client.query<{ customer: string; latest: string }>(
      "SELECT customer_id AS customer, max(order_id) AS latest FROM public.orders WHERE customer_id BETWEEN $1 AND $2 GROUP BY 1",
      [from, to],
    );
    for (const { customer, latest } of rows) this.#latest.set(Number(customer), Number(latest));
  }

  /** Writes so many changes in one transaction. */
  async write(count: number): Promise<CommittedChange[]> {
    const first = this.#written;
    const changes = Array.from({ length: count }, (_, i) => this.#change(first + i));
    this.#written += count;
    await this.#client.query(statements(changes));
    const committedAt = performance.now();
    return changes.map(({ customer, instant }, i) => ({ number: first + i, customer, instant, committedAt }));
  }

  /**
   * Keeps the rate for so long, or until the signal; each change is due at a time of its own, and those that are due at the
   * same moment share a transaction. Resolves with how many were written in how many seconds.
   */
  async keep(
    rate: number,
    seconds: number,
    signal: AbortSignal,
    onCommitted: (changes: CommittedChange[]) => void,
  ): Promise<{ changes: number; seconds: number }> {
    const begun = performance.now();
    const total = Math.max(1, Math.round(rate * seconds));
    let written = 0;
    while (written < total && !signal.aborted) {
      const elapsed = (performance.now() - begun) / 1000;
      // Where it cannot keep up it ends all the same, and what it achieved tells.
      if (elapsed > 1.5 * seconds + 1) break;
      const due = Math.min(Math.floor(elapsed * rate) + 1, total) - written;
      if (due < 1) {
        await sleep(Math.max(1, (written / rate) * 1000 - (performance.now() - begun)));
        continue;
      }
      const some = Math.min(due, MOST_PER_TRANSACTION);
      onCommitted(await this.write(some));
      written += some;
    }
    const rest = begun + seconds * 1000 - performance.now();
    if (rest > 0 && !signal.aborted) await sleep(rest);
    return { changes: written, seconds: (performance.now() - begun) / 1000 };
  }

  #change(number: number): Change {
    const customer = this.#customerOf(number);
    const known = this.#latest.get(customer);
    const change = { customer, instant: this.#orders.nextInstant(), cents: 100 + ((number * 7919) % 50_000) };
    if (known !== undefined && number % UPDATE_EVERY === UPDATE_EVERY - 1)
      return { ...change, orderId: known, kind: "update" };
    const orderId = this.#orders.takeIds(1);
    this.#latest.set(customer, orderId);
    return { ...change, orderId, kind: "insert" };
  }
}

/** Of one transaction: Postgres takes what comes in one message as such. Nothing in it comes from a user. */
function statements(changes: Change[]): string {
  const values = (kind: Change["kind"], form: (change: Change) => string) =>
    changes.filter((change) => change.kind === kind).map(form);
  const at = ({ instant }: Change) => `'${isoOfMicros(instant)}'::timestamptz`;
  const amount = ({ cents }: Change) => `${(cents / 100).toFixed(2)}::numeric(12, 2)`;
  const inserts = values(
    "insert",
    (one) => `(${one.orderId}, ${one.customer}, 1, 1, ${amount(one)}, 'new', ${at(one)}, ${at(one)})`,
  );
  const updates = values("update", (one) => `(${one.orderId}, ${amount(one)}, ${at(one)})`);
  return [
    inserts.length > 0 && `INSERT INTO public.orders VALUES ${inserts.join(",")}`,
    updates.length > 0 &&
      `UPDATE public.orders SET total_amount = new.amount, created_at = new.at, updated_at = new.at
       FROM (VALUES ${updates.join(",")}) AS new (id, amount, at) WHERE order_id = new.id`,
  ]
    .filter(Boolean)
    .join(";");
}
