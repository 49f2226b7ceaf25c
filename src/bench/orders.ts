/** The orders of a benchmark: seeded, in Postgres, and brought to Kafka by Debezium. */
import { recordsIn } from "../platform/kafka.ts";
import { withPostgres } from "../platform/postgres.ts";
import type { Step } from "../platform/progress.ts";
import { waitFor } from "../platform/waits.ts";
import type { BulkResult } from "./document.ts";
import { rounded } from "./statistics.ts";
import type { Workbench } from "./workbench.ts";

/** Start of a 30-day window as the job cuts them, seconds since 1970: 2026-06-06. The same one always, so that values are. */
export const WINDOW_START = 1_780_704_000;
/** Orders of before are spread over so much of the window; what is written live comes behind them. */
export const SPREAD_SECONDS = 25 * 86_400;

const CHUNK = 25_000;
const ROWS_PER_TRANSACTION = 5_000;
const CAPTURE_TIMEOUT_MS = 30 * 60_000;
const POLL_MS = 500;

export class Orders {
  #captured: Promise<BulkResult["capture"]> | undefined;
  #ids = 0;
  #instants = 0n;

  /** Inserts the plan's orders, once, and waits until Kafka has them. */
  arrived(bench: Workbench): Promise<BulkResult["capture"]> {
    const { events, entities } = bench.plan;
    this.#captured ??= this.insert(bench, "orders", events, customerOf(entities));
    return this.#captured;
  }

  /** Inserts `rows` more orders; `customer` is SQL of the customer, of the order's number `i` and its `hash`. */
  async insert(
    bench: Workbench,
    label: string,
    rows: number,
    customer: string,
  ): Promise<BulkResult["capture"]> {
    const begun = performance.now();
    const before = await recordsIn({ kafka: bench.endpoints.kafka, topic: bench.topic });
    const inserted = await bench.progress.step(`${label} into Postgres`, (step) =>
      this.#insert(bench, rows, customer, step),
    );
    await bench.progress.step(`${label} through Debezium into Kafka`, (step) =>
      captured(bench, before + rows, before, step),
    );
    const insertSeconds = rounded(inserted / 1000);
    return { rows, insertSeconds, seconds: rounded((performance.now() - begun) / 1000) };
  }

  async #insert(bench: Workbench, rows: number, customer: string, step: Step): Promise<number> {
    const begun = performance.now();
    const first = this.takeIds(rows);
    await withPostgres(bench.endpoints.postgres, async (client) => {
      for (let done = 0; done < rows; done += ROWS_PER_TRANSACTION) {
        bench.refuseInterrupted();
        const from = first + done;
        const to = first + Math.min(done + ROWS_PER_TRANSACTION, rows) - 1;
        await client.query(insertOrders(from, to, customer, bench.plan.seed));
        if (done % CHUNK === 0) step.update(`${done} of ${rows}`);
      }
    });
    return performance.now() - begun;
  }

  /** Numbers of orders that nobody else gets; the first of them. */
  takeIds(count: number): number {
    const first = this.#ids + 1;
    this.#ids += count;
    return first;
  }

  /** An event time, micros since 1970, behind all that were given before. */
  nextInstant(): bigint {
    this.#instants += 1_000n;
    return BigInt(WINDOW_START + SPREAD_SECONDS + 3_600) * 1_000_000n + this.#instants;
  }
}

/** SQL of a customer from 1 to `entities`, by the order's hash. */
export function customerOf(entities: number): string {
  return `1 + ${hexToInteger("hash", 1)} % ${entities}`;
}

/** Pure: same numbers, same rows. */
export function insertOrders(from: number, to: number, customer: string, seed: number): string {
  const created = `to_timestamp(${WINDOW_START} + ${hexToInteger("hash", 9)} % ${SPREAD_SECONDS})`;
  return `INSERT INTO public.orders
    (order_id, customer_id, product_id, quantity, total_amount, status, created_at, updated_at)
    SELECT i, ${customer}, 1 + ${hexToInteger("hash", 17)} % 500, 1 + i % 5,
      (${hexToInteger("hash", 25)} % 50000)::numeric(12, 2) / 100, 'new', ${created}, ${created}
    FROM (SELECT i, md5('${seed}:' || i) AS hash FROM generate_series(${from}::bigint, ${to}::bigint) AS i) AS numbered`;
}

/** SQL of 28 bits of a hash, from a digit on: a hash of 32 hexadecimal digits gives four independent numbers. */
function hexToInteger(hash: string, digit: number): string {
  return `('x' || substr(${hash}, ${digit}, 7))::bit(28)::int`;
}

async function captured(bench: Workbench, expected: number, before: number, step: Step): Promise<void> {
  const { kafka } = bench.endpoints;
  await waitFor(
    { what: `${expected} records in ${bench.topic}`, timeoutMs: CAPTURE_TIMEOUT_MS, intervalMs: POLL_MS },
    async () => {
      bench.refuseInterrupted();
      const there = await recordsIn({ kafka, topic: bench.topic });
      step.update(`${there - before} of ${expected - before}`);
      return there >= expected ? true : undefined;
    },
  );
  await bench.stack.captureCaughtUp(60_000);
}
