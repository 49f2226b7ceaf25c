import { describe, expect, test } from "vitest";
import type { Manifest } from "../../../src/stores/manifests.ts";
import type { Expectation } from "../../../src/verify/expectation.ts";
import { servedWindow } from "../../../src/verify/expectation.ts";
import { Replay } from "../../../src/verify/log.ts";
import { event, insert, type Order, remove, update } from "./events.ts";
import { customer, product } from "./sets.ts";

// Windows of 30 days since the epoch: 2026-01-07, 2026-02-06 and 2026-03-08 begin one each.
const JANUARY = Date.UTC(2026, 0, 7);
const FEBRUARY = Date.UTC(2026, 1, 6);

const order = (order_id: number, customer_id: number, total_amount: string, created_at: string): Order => ({
  order_id,
  customer_id,
  total_amount,
  created_at: `${created_at}T12:00:00Z`,
});

const one = order(1, 7, "10.00", "2026-01-10");
const two = order(2, 7, "5.50", "2026-01-11");

/** Folds one partition; batches by their end offsets. */
function replay(events: (Buffer | null)[], ends: number[] = [], set = customer) {
  const chain = ends.map((end, i) => manifest({ 0: [ends[i - 1] ?? 0, end] }));
  const fold = new Replay(set, chain);
  fold.begin([{ partition: 0, low: 0, high: events.length }]);
  events.forEach((value, offset) => {
    fold.record(0, offset, { value });
  });
  fold.reached(0, events.length);
  return fold.finish();
}

function manifest(offsets: Record<number, [number, number]>): Manifest {
  const batch_id = Object.values(offsets).reduce((sum, [, end]) => sum + end, 0);
  return { batch_id, file: null, rows: 0, bytes: 0, sha256: null, offsets, watermark_ms: 0 };
}

/** `7@2026-01-07 2/15.5` per window: count and sum, `-` for one without rows. */
function shown({ entities }: Expectation): string[] {
  return [...entities].flatMap(([entity, windows]) =>
    [...windows].map(([start, aggregates]) => {
      const values = aggregates === null ? "-" : [...aggregates.values.values()].map(String).join("/");
      return `${entity}@${new Date(start).toISOString().slice(0, 10)} ${values}`;
    }),
  );
}

const fold = (...events: (Buffer | null)[]) => shown(replay(events).now);

describe("a row counts as it is now", () => {
  test("inserts add up", () => {
    expect(fold(insert(1, one), insert(2, two))).toEqual(["7@2026-01-07 2/15.5"]);
  });

  test("an update replaces", () => {
    expect(fold(insert(1, one), update(2, one, { ...one, total_amount: "1.00" }))).toEqual([
      "7@2026-01-07 1/1",
    ]);
  });

  test("a delete takes back, and its tombstone does nothing", () => {
    expect(fold(insert(1, one), insert(2, two), remove(3, two), null)).toEqual(["7@2026-01-07 1/10"]);
  });

  test("a move leaves one entity and enters another", () => {
    expect(fold(insert(1, one), update(2, one, { ...one, customer_id: 8 }))).toEqual([
      "7@2026-01-07 -",
      "8@2026-01-07 1/10",
    ]);
  });

  test("a move that does not tell the row before is a dead letter", () => {
    expect(fold(insert(1, one), event("u", 2, { after: { ...one, customer_id: 8 } }))).toEqual([
      "7@2026-01-07 1/10",
    ]);
  });

  test("a move to another window", () => {
    expect(fold(insert(1, one), update(2, one, order(1, 7, "10.00", "2026-02-10")))).toEqual([
      "7@2026-01-07 -",
      "7@2026-02-06 1/10",
    ]);
  });

  test("a key change is a delete and a creation at one place in the log", () => {
    expect(fold(insert(1, one), remove(5, one), null, insert(5, { ...one, order_id: 9 }))).toEqual([
      "7@2026-01-07 1/10",
    ]);
  });

  test("a row deleted and created again at one place in the log exists", () => {
    expect(fold(insert(1, one), insert(5, one), remove(5, one))).toEqual(["7@2026-01-07 1/10"]);
  });

  test("duplicates change nothing", () => {
    const again = [insert(1, one), insert(2, two), remove(3, two)];
    expect(fold(...again, ...again)).toEqual(["7@2026-01-07 1/10"]);
  });

  test("an older version that comes later changes nothing", () => {
    const newer = update(9, one, { ...one, total_amount: "3.00" });
    expect(fold(newer, insert(1, one))).toEqual(["7@2026-01-07 1/3"]);
    expect(fold(remove(9, one), insert(1, one))).toEqual([]);
  });

  test("transactions order by commit, not by LSN", () => {
    const late = event(
      "u",
      3,
      { before: one, after: { ...one, total_amount: "3.00" } },
      { sequence: '["20","3"]' },
    );
    const early = event(
      "u",
      4,
      { before: one, after: { ...one, total_amount: "4.00" } },
      { sequence: '["10","4"]' },
    );
    expect(fold(late, early)).toEqual(["7@2026-01-07 1/3"]);
  });

  test("a snapshot's row is an upsert", () => {
    expect(fold(event("r", 1, { after: one }), event("r", 1, { after: one }))).toEqual(["7@2026-01-07 1/10"]);
  });

  test("an update to what cannot be read takes the row back until it is repaired", () => {
    const unreadable = { ...one, total_amount: "NaN" };
    const lost = update(2, one, unreadable);
    expect(fold(insert(1, one), lost)).toEqual(["7@2026-01-07 -"]);
    expect(fold(insert(1, one), lost, update(3, unreadable, { ...one, total_amount: "3.00" }))).toEqual([
      "7@2026-01-07 1/3",
    ]);
    const nowhere = { ...one, created_at: null };
    expect(fold(insert(1, one), update(2, one, nowhere), remove(3, nowhere))).toEqual(["7@2026-01-07 -"]);
  });

  test("a spoilt copy of an event changes nothing", () => {
    const good = update(2, one, { ...one, total_amount: "3.00" });
    expect(fold(insert(1, one), good, update(2, one, { ...one, total_amount: "NaN" }))).toEqual([
      "7@2026-01-07 1/3",
    ]);
  });

  test("sums and distinct counts skip nulls; a sum of nothing but nulls is null", () => {
    const sale = (order_id: number, customer_id: number | null, quantity: number | null) =>
      insert(order_id, {
        order_id,
        product_id: "p",
        customer_id,
        quantity,
        created_at: "2026-01-10T00:00:00Z",
      });
    expect(shown(replay([sale(1, 4, 2), sale(2, null, null), sale(3, 4, 3)], [], product).now)).toEqual([
      "p@2026-01-08 5/1",
    ]);
    expect(shown(replay([sale(1, null, null)], [], product).now)).toEqual(["p@2026-01-08 null/0"]);
  });
});

describe("windows", () => {
  test("an emptied window falls back to the one before", () => {
    const february = order(3, 7, "1.00", "2026-02-10");
    const { now } = replay([insert(1, one), insert(2, february)]);
    expect(servedWindow(customer, now, "7")?.startMs).toBe(FEBRUARY);
    const emptied = replay([insert(1, one), insert(2, february), remove(3, february)]).now;
    expect(servedWindow(customer, emptied, "7")?.startMs).toBe(JANUARY);
  });

  test("a window is served until the watermark has passed its end by the retention", () => {
    const end = JANUARY + 30 * 86_400_000;
    const at = (ms: number) => insert(2, { ...two, customer_id: 8, created_at: new Date(ms).toISOString() });
    const last = end + customer.window.retentionMs + customer.watermarkMs;
    expect(servedWindow(customer, replay([insert(1, one), at(last - 1)]).now, "7")).toBeDefined();
    expect(servedWindow(customer, replay([insert(1, one), at(last)]).now, "7")).toBeUndefined();
  });

  test("where a deleted row was moves the watermark too", () => {
    const future = order(3, 8, "1.00", "2026-06-01");
    expect(servedWindow(customer, replay([insert(1, one), remove(2, future)]).now, "7")).toBeUndefined();
    const back = update(2, future, order(3, 8, "1.00", "2026-01-12"));
    expect(servedWindow(customer, replay([insert(1, one), back]).now, "7")).toBeUndefined();
  });
});

describe("late records, by the job's batches", () => {
  const june = order(3, 8, "1.00", "2026-06-01");

  test("in one batch nothing is late", () => {
    expect(shown(replay([insert(1, june), insert(2, one)]).now)).toContain("7@2026-01-07 1/10");
    expect(shown(replay([insert(1, june), insert(2, one)], [2]).now)).toContain("7@2026-01-07 1/10");
  });

  test("after the batch that moved the watermark a final window takes nothing more", () => {
    const events = [
      insert(1, one),
      insert(2, june),
      insert(3, two),
      update(4, one, { ...one, customer_id: 9 }),
      remove(5, one),
    ];
    expect(shown(replay(events, [2, 5]).now)).toEqual([
      "7@2026-01-07 1/10",
      "8@2026-05-07 1/1",
      "9@2026-01-07 -",
    ]);
  });

  test("a row that leaves a final window for a kept one counts in both", () => {
    const events = [insert(1, one), insert(2, june), update(3, one, order(1, 7, "10.00", "2026-06-02"))];
    expect(shown(replay(events, [2, 3]).now)).toEqual([
      "7@2026-01-07 1/10",
      "7@2026-05-07 1/10",
      "8@2026-05-07 1/1",
    ]);
  });

  test("events beyond the last manifest are not yet applied", () => {
    const { applied, now } = replay([insert(1, one), insert(2, two)], [1]);
    expect(shown(applied)).toEqual(["7@2026-01-07 1/10"]);
    expect(shown(now)).toEqual(["7@2026-01-07 2/15.5"]);
    const upToDate = replay([insert(1, one), insert(2, two)], [2]);
    expect(upToDate.applied).toBe(upToDate.now);
  });

  test("partitions that are ahead wait for the others", () => {
    const chain = [manifest({ 0: [0, 1], 1: [0, 1] }), manifest({ 0: [1, 2], 1: [1, 2] })];
    const log = new Replay(customer, chain);
    log.begin([
      { partition: 0, low: 0, high: 2 },
      { partition: 1, low: 0, high: 2 },
    ]);
    // Partition 0 in full first: its second record is late only once partition 1's first is known.
    log.record(0, 0, { value: insert(1, one) });
    log.record(0, 1, { value: insert(2, two) });
    log.reached(0, 2);
    log.record(1, 0, { value: insert(3, june) });
    log.record(1, 1, { value: insert(4, { ...june, order_id: 4 }) });
    log.reached(1, 2);
    expect(shown(log.finish().now).sort()).toEqual(["7@2026-01-07 1/10", "8@2026-05-07 2/2"]);
  });

  test("offsets without records, such as a transaction's marker, end a batch too", () => {
    const log = new Replay(customer, [manifest({ 0: [0, 3] }), manifest({ 0: [3, 4] })]);
    log.begin([{ partition: 0, low: 0, high: 4 }]);
    log.record(0, 0, { value: insert(1, june) });
    log.record(0, 3, { value: insert(2, one) }); // offsets 1 and 2 hold no records
    log.reached(0, 4);
    expect(shown(log.finish().now)).toEqual(["8@2026-05-07 1/1", "7@2026-01-07 -"]);
  });
});
