import { describe, expect, test } from "vitest";
import type { FeatureSet, TumblingWindow } from "../../../src/definition/feature-set.ts";
import { onlineText } from "../../../src/stores/values.ts";
import { Expecter } from "../../../src/verify/expectation.ts";
import { History } from "../../../src/verify/history.ts";
import { LogReader, type ReadLog } from "../../../src/verify/log.ts";
import { truthOfLog } from "../../../src/verify/truth.ts";
import {
  event,
  gatherer,
  insert,
  type Logged,
  manifest,
  type Order,
  readAll,
  remove,
  update,
} from "./events.ts";
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

const NOW = BigInt(Date.UTC(2026, 0, 12)) * 1000n;

/** Reads one partition; batches by their end offsets. */
function replay(events: Logged[], ends: number[] = [], set = customer) {
  const chain = ends.map((end, i) => manifest({ 0: [ends[i - 1] ?? 0, end] }));
  const gathered = gatherer();
  return expectations(set, chain, readAll(set, chain, events, gathered), gathered);
}

/** What should be there now and at the offsets that were applied. */
function expectations(
  set: FeatureSet,
  chain: Parameters<typeof truthOfLog>[0],
  log: Omit<ReadLog, "topic">,
  { elements }: ReturnType<typeof gatherer>,
) {
  const truth = truthOfLog(chain, { topic: "shop.public.orders", ...log });
  const expecter = new Expecter(set);
  const all = (facts: typeof truth.now, isKnown: (batch: number) => boolean) =>
    new Map(
      [...elements].map(([entity, all]) => {
        const known = all.filter(({ batch }) => isKnown(batch));
        return [entity, expecter.expect(new History(set, facts).slots(known), facts.watermark)];
      }),
    );
  return {
    set,
    now: all(truth.now, () => true),
    applied: all(truth.applied, (batch) => batch < truth.appliedBatches),
  };
}

type Replayed = ReturnType<typeof replay>;

/** `7@2026-01-07 2/15.500` per window: what is aggregated, `-` for one without rows. */
function shown({ set }: Replayed, entities: Replayed["now"]): string[] {
  const aggregated = set.features.filter(({ kind }) => kind === "aggregated");
  return [...entities].flatMap(([entity, { slots }]) =>
    [...slots.values()].map(({ slot, at }) => {
      const features = at(NOW)?.features;
      const texts = aggregated.map(({ name, type }) => onlineText(features?.get(name) ?? null, type));
      const values = features === undefined ? "-" : texts.join("/");
      return `${entity}@${new Date(slot).toISOString().slice(0, 10)} ${values}`;
    }),
  );
}

const shownNow = (replayed: Replayed) => shown(replayed, replayed.now);

const servedSlot = ({ now }: Replayed, entity: string) => now.get(entity)?.served(NOW)?.slot.slot;

const fold = (...events: Logged[]) => shownNow(replay(events));

describe("a row counts as it is now", () => {
  test("inserts add up", () => {
    expect(fold(insert(1, one), insert(2, two))).toEqual(["7@2026-01-07 2/15.50"]);
  });

  test("an update replaces", () => {
    expect(fold(insert(1, one), update(2, one, { ...one, total_amount: "1.00" }))).toEqual([
      "7@2026-01-07 1/1.00",
    ]);
  });

  test("a delete takes back, and its tombstone does nothing", () => {
    expect(fold(insert(1, one), insert(2, two), remove(3, two), null)).toEqual(["7@2026-01-07 1/10.00"]);
  });

  test("a move leaves one entity and enters another", () => {
    expect(fold(insert(1, one), update(2, one, { ...one, customer_id: 8 }))).toEqual([
      "7@2026-01-07 -",
      "8@2026-01-07 1/10.00",
    ]);
  });

  test("a move that does not tell the row before is a dead letter", () => {
    expect(fold(insert(1, one), event("u", 2, { after: { ...one, customer_id: 8 } }))).toEqual([
      "7@2026-01-07 1/10.00",
    ]);
  });

  test("a move to another window", () => {
    expect(fold(insert(1, one), update(2, one, order(1, 7, "10.00", "2026-02-10")))).toEqual([
      "7@2026-01-07 -",
      "7@2026-02-06 1/10.00",
    ]);
  });

  test("a key change is a delete and a creation at one place in the log", () => {
    expect(fold(insert(1, one), remove(5, one), null, insert(5, { ...one, order_id: 9 }))).toEqual([
      "7@2026-01-07 1/10.00",
    ]);
  });

  test("a row deleted and created again at one place in the log exists", () => {
    expect(fold(insert(1, one), insert(5, one), remove(5, one))).toEqual(["7@2026-01-07 1/10.00"]);
  });

  test("duplicates change nothing", () => {
    const again = [insert(1, one), insert(2, two), remove(3, two)];
    expect(fold(...again, ...again)).toEqual(["7@2026-01-07 1/10.00"]);
  });

  test("an older version that comes later changes nothing", () => {
    const newer = update(9, one, { ...one, total_amount: "3.00" });
    expect(fold(newer, insert(1, one))).toEqual(["7@2026-01-07 1/3.00"]);
    expect(fold(remove(9, one), insert(1, one))).toEqual(["7@2026-01-07 -"]);
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
    expect(fold(late, early)).toEqual(["7@2026-01-07 1/3.00"]);
  });

  test("a snapshot's row is an upsert", () => {
    expect(fold(event("r", 1, { after: one }), event("r", 1, { after: one }))).toEqual([
      "7@2026-01-07 1/10.00",
    ]);
  });

  test("an update to what cannot be read takes the row back until it is repaired", () => {
    const unreadable = { ...one, total_amount: "NaN" };
    const lost = update(2, one, unreadable);
    expect(fold(insert(1, one), lost)).toEqual(["7@2026-01-07 -"]);
    expect(fold(insert(1, one), lost, update(3, unreadable, { ...one, total_amount: "3.00" }))).toEqual([
      "7@2026-01-07 1/3.00",
    ]);
    const nowhere = { ...one, created_at: null };
    expect(fold(insert(1, one), update(2, one, nowhere), remove(3, nowhere))).toEqual(["7@2026-01-07 -"]);
  });

  test("a spoilt copy of an event changes nothing", () => {
    const good = update(2, one, { ...one, total_amount: "3.00" });
    expect(fold(insert(1, one), good, update(2, one, { ...one, total_amount: "NaN" }))).toEqual([
      "7@2026-01-07 1/3.00",
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
    expect(shownNow(replay([sale(1, 4, 2), sale(2, null, null), sale(3, 4, 3)], [], product))).toEqual([
      "p@2026-01-08 5/1",
    ]);
    expect(shownNow(replay([sale(1, null, null)], [], product))).toEqual(["p@2026-01-08 /0"]);
  });
});

describe("windows", () => {
  test("an emptied window falls back to the one before", () => {
    const february = order(3, 7, "1.00", "2026-02-10");
    const both = replay([insert(1, one), insert(2, february)]);
    expect(servedSlot(both, "7")).toBe(FEBRUARY);
    const emptied = replay([insert(1, one), insert(2, february), remove(3, february)]);
    expect(servedSlot(emptied, "7")).toBe(JANUARY);
  });

  test("a window is served until the watermark has passed its end by the retention", () => {
    const end = JANUARY + 30 * 86_400_000;
    const at = (ms: number) => insert(2, { ...two, customer_id: 8, created_at: new Date(ms).toISOString() });
    const last = end + (customer.windows[0] as TumblingWindow).retentionMs + customer.watermarkMs;
    expect(servedSlot(replay([insert(1, one), at(last - 1)]), "7")).toBeDefined();
    expect(servedSlot(replay([insert(1, one), at(last)]), "7")).toBeUndefined();
  });

  test("where a deleted row was moves the watermark too", () => {
    const future = order(3, 8, "1.00", "2026-06-01");
    expect(servedSlot(replay([insert(1, one), remove(2, future)]), "7")).toBeUndefined();
    const back = update(2, future, order(3, 8, "1.00", "2026-01-12"));
    expect(servedSlot(replay([insert(1, one), back]), "7")).toBeUndefined();
  });
});

describe("late records, by the job's batches", () => {
  const june = order(3, 8, "1.00", "2026-06-01");

  test("in one batch nothing is late", () => {
    expect(shownNow(replay([insert(1, june), insert(2, one)]))).toContain("7@2026-01-07 1/10.00");
    expect(shownNow(replay([insert(1, june), insert(2, one)], [2]))).toContain("7@2026-01-07 1/10.00");
  });

  test("after the batch that moved the watermark a final window takes nothing more", () => {
    const events = [
      insert(1, one),
      insert(2, june),
      insert(3, two),
      update(4, one, { ...one, customer_id: 9 }),
      remove(5, one),
    ];
    expect(shownNow(replay(events, [2, 5]))).toEqual(["7@2026-01-07 1/10.00", "8@2026-05-07 1/1.00"]);
  });

  test("a row that leaves a final window for a kept one counts in both", () => {
    const events = [insert(1, one), insert(2, june), update(3, one, order(1, 7, "10.00", "2026-06-02"))];
    expect(shownNow(replay(events, [2, 3]))).toEqual([
      "7@2026-01-07 1/10.00",
      "7@2026-05-07 1/10.00",
      "8@2026-05-07 1/1.00",
    ]);
  });

  test("events beyond the last manifest are not yet applied", () => {
    const behind = replay([insert(1, one), insert(2, two)], [1]);
    expect(shown(behind, behind.applied)).toEqual(["7@2026-01-07 1/10.00"]);
    expect(shownNow(behind)).toEqual(["7@2026-01-07 2/15.50"]);
    const upToDate = replay([insert(1, one), insert(2, two)], [2]);
    expect(shown(upToDate, upToDate.applied)).toEqual(["7@2026-01-07 2/15.50"]);
  });

  test("partitions that are ahead wait for the others", () => {
    const chain = [manifest({ 0: [0, 1], 1: [0, 1] }), manifest({ 0: [1, 2], 1: [1, 2] })];
    const gathered = gatherer();
    const log = new LogReader(customer, chain, gathered);
    log.begin([
      { partition: 0, low: 0, high: 2 },
      { partition: 1, low: 0, high: 2 },
    ]);
    // Partition 0 in full first: its second record is late only once partition 1's first is known.
    const record = (partition: number, offset: number, value: Buffer) =>
      log.record({ partition, offset, timestampMs: Date.UTC(2200, 0, 1), value });
    record(0, 0, insert(1, one));
    record(0, 1, insert(2, two));
    record(1, 0, insert(3, june));
    record(1, 1, insert(4, { ...june, order_id: 4 }));
    expect(shownNow(expectations(customer, chain, log.finish(), gathered)).sort()).toEqual([
      "7@2026-01-07 1/10.00",
      "8@2026-05-07 2/2.00",
    ]);
  });

  test("offsets without records, such as a transaction's marker, end a batch too", () => {
    const chain = [manifest({ 0: [0, 3] }), manifest({ 0: [3, 4] })];
    const gathered = gatherer();
    const log = new LogReader(customer, chain, gathered);
    log.begin([{ partition: 0, low: 0, high: 4 }]);
    const timestampMs = Date.UTC(2200, 0, 1);
    log.record({ partition: 0, offset: 0, timestampMs, value: insert(1, june) });
    log.record({ partition: 0, offset: 3, timestampMs, value: insert(2, one) }); // offsets 1 and 2 hold no records
    expect(shownNow(expectations(customer, chain, log.finish(), gathered))).toEqual(["8@2026-05-07 1/1.00"]);
  });
});

describe("the clock", () => {
  const june = order(3, 8, "1.00", "2026-06-01");
  const isLate = (...before: Logged[]) =>
    !shownNow(replay([...before, insert(9, one)], [before.length, before.length + 1])).includes(
      "7@2026-01-07 1/10.00",
    );

  test("is the row's time, but never later than Kafka's", () => {
    expect(isLate(insert(1, june))).toBe(true);
    expect(isLate({ value: insert(1, june), at: "2026-06-01T12:00:00Z" })).toBe(true);
    expect(isLate({ value: insert(1, june), at: "2026-02-01T00:00:00Z" })).toBe(false);
  });

  test("is told by where a row was, when it left", () => {
    expect(isLate(remove(1, june))).toBe(true);
    expect(isLate({ value: remove(1, june), at: "2026-02-01T00:00:00Z" })).toBe(false);
    expect(isLate(update(1, june, order(3, 8, "1.00", "2026-01-12")))).toBe(true);
    const elsewhere = update(1, { ...june, customer_id: 9 }, { ...june, created_at: one.created_at });
    expect(isLate(elsewhere)).toBe(true);
  });

  test("is not told by where it was in the same window", () => {
    // A row of January's window is late from 8 March, 01:00, on.
    const march = { ...order(3, 8, "1.00", "2026-03-20"), customer_id: 8 };
    const earlier = { ...march, created_at: "2026-03-08T00:30:00Z" };
    expect(isLate(update(1, march, earlier))).toBe(false);
    expect(isLate(update(1, { ...march, customer_id: 9 }, earlier))).toBe(true);
  });

  test("begins in 1970, as Spark's does", () => {
    const old = { ...one, created_at: "1969-11-01T00:00:00Z" };
    expect(fold(insert(1, old))).toEqual([]);
    expect(shownNow(replay([insert(1, old), insert(2, old)], [1, 2]))).toEqual([]);
    expect(fold(insert(1, { ...one, created_at: "1970-01-02T00:00:00Z" }))).toEqual(["7@1970-01-01 1/10.00"]);
  });

  test("is not told by a snapshot, whose rows count all the same", () => {
    expect(isLate(event("r", 1, { after: june }))).toBe(false);
    const read = event("r", 2, { after: two });
    expect(shownNow(replay([insert(1, one), read], [1, 2]))).toEqual(["7@2026-01-07 2/15.50"]);
  });

  test("is not told by what cannot be read, but by where it was", () => {
    expect(isLate(insert(1, { ...june, total_amount: "NaN" }))).toBe(false);
    expect(isLate(update(1, june, { ...june, total_amount: "NaN" }))).toBe(true);
  });
});

describe("sliding windows", () => {
  const DAY = 86_400_000;
  const sliding: FeatureSet = {
    ...customer,
    windows: [{ kind: "sliding", name: "default", lengthMs: 3 * DAY, slideMs: DAY, retentionMs: 3 * DAY }],
  };
  const slid = (...events: Logged[]) => shownNow(replay(events, [], sliding)).sort();

  test("a row is in each that contains it", () => {
    expect(slid(insert(1, one))).toEqual([
      "7@2026-01-08 1/10.00",
      "7@2026-01-09 1/10.00",
      "7@2026-01-10 1/10.00",
    ]);
    expect(slid(insert(1, one), insert(2, two))).toEqual([
      "7@2026-01-08 1/10.00",
      "7@2026-01-09 2/15.50",
      "7@2026-01-10 2/15.50",
      "7@2026-01-11 1/5.50",
    ]);
  });

  test("a move leaves those that it is in no more, and stays in the others", () => {
    expect(slid(insert(1, one), update(2, one, order(1, 7, "10.00", "2026-01-11")))).toEqual([
      "7@2026-01-08 -",
      "7@2026-01-09 1/10.00",
      "7@2026-01-10 1/10.00",
      "7@2026-01-11 1/10.00",
    ]);
    // An update within the day moves nothing.
    const later = { ...one, created_at: "2026-01-10T13:00:00Z" };
    expect(slid(insert(1, one), update(2, one, later))).toEqual(slid(insert(1, one)));
  });

  test("of an event's two elements where the row is counts, in whatever order they come", () => {
    const gathered = gatherer();
    const moved = update(2, one, order(1, 7, "10.00", "2026-01-11"));
    const log = readAll(sliding, [], [insert(1, one), moved], gathered);
    const history = new History(sliding, truthOfLog([], log).now);
    const elements = gathered.elements.get("7") ?? [];
    for (const order of [elements, elements.toReversed()]) {
      expect(history.slots(order).get(Date.UTC(2026, 0, 10))).toHaveLength(1);
    }
  });

  test("a row may be late for some", () => {
    // Windows of three days are kept for three more and the delay of an hour: that of the 8th until the 14th, 01:00.
    const clock = (time: string) => insert(2, { ...order(9, 8, "1.00", "2026-01-14"), created_at: time });
    const late = (time: string) =>
      shownNow(replay([clock(time), insert(3, one)], [1, 2], sliding)).filter((text) => text.startsWith("7"));
    expect(late("2026-01-14T00:59:59.999Z")).toHaveLength(3);
    expect(late("2026-01-14T01:00:00Z").sort()).toEqual(["7@2026-01-09 1/10.00", "7@2026-01-10 1/10.00"]);
  });

  test("the latest that is kept and has rows is served", () => {
    expect(servedSlot(replay([insert(1, one)], [], sliding), "7")).toBe(Date.UTC(2026, 0, 10));
  });
});

describe("truncate", () => {
  const truncate = (lsn: number): Buffer =>
    Buffer.from(
      `{"op":"t","before":null,"after":null,"source":{"schema":"public","table":"orders","lsn":${lsn}}}`,
    );

  test("takes away all rows of before, of every entity", () => {
    expect(fold(insert(1, one), insert(2, { ...two, customer_id: 8 }), truncate(3), insert(4, two))).toEqual([
      "7@2026-01-07 1/5.50",
      "8@2026-01-07 -",
    ]);
  });

  test("is in its place of the log, in whatever order it comes", () => {
    expect(fold(truncate(3), insert(1, one), insert(4, two))).toEqual(["7@2026-01-07 1/5.50"]);
  });

  test("leaves final windows as they are", () => {
    const june = order(3, 8, "1.00", "2026-06-01");
    const events = [insert(1, one), insert(2, june), truncate(3)];
    expect(shownNow(replay(events, [2, 3]))).toEqual(["7@2026-01-07 1/10.00", "8@2026-05-07 -"]);
    expect(shownNow(replay(events, [3]))).toEqual(["7@2026-01-07 -", "8@2026-05-07 -"]);
  });

  test("one that is not applied yet changes nothing before", () => {
    const behind = replay([insert(1, one), truncate(2)], [1]);
    expect(shown(behind, behind.applied)).toEqual(["7@2026-01-07 1/10.00"]);
    expect(shownNow(behind)).toEqual(["7@2026-01-07 -"]);
  });
});

describe("a set as of now", () => {
  const now: FeatureSet = {
    ...customer,
    windows: [{ kind: "unbounded", name: "default" }],
  };

  test("has one slot for each entity, in which nothing is late", () => {
    const june = order(3, 8, "1.00", "2026-06-01");
    const events = [insert(1, june), insert(2, one), update(3, one, order(1, 7, "3.00", "2025-01-10"))];
    // The row of June is still to come.
    expect(shownNow(replay(events, [1, 3], now))).toEqual(["8@1970-01-01 -", "7@1970-01-01 1/3.00"]);
  });

  test("a moved row leaves one entity and enters the other", () => {
    const events = [insert(1, one), insert(2, two), update(3, one, { ...one, customer_id: 8 })];
    expect(shownNow(replay(events, [], now))).toEqual(["7@1970-01-01 1/5.50", "8@1970-01-01 1/10.00"]);
  });
});

describe("rows that were appended", () => {
  test("count once each, however often they come", () => {
    const set: FeatureSet = { ...customer, source: { ...customer.source, appendOnly: true } };
    const events = [insert(1, one), insert(1, one), insert(2, two), remove(3, two)];
    expect(shownNow(replay(events, [], set))).toEqual(["7@2026-01-07 2/15.50"]);
  });
});
