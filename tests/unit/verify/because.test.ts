/** Which events a wrong value misses or counts too much. */
import { describe, expect, test } from "vitest";
import { type FeatureSet, isAsOfNow } from "../../../src/definition/feature-set.ts";
import { isoOfMicros, microsOfIso } from "../../../src/platform/instants.ts";
import { onlineFields, Scope } from "../../../src/verify/compare.ts";
import { Expecter } from "../../../src/verify/expectation.ts";
import { History } from "../../../src/verify/history.ts";
import { truthOfLog } from "../../../src/verify/truth.ts";
import { compareAll } from "../../../src/verify/verify.ts";
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
import { customer } from "./sets.ts";

const NOW = "2026-01-20T10:00:00Z";

const order = (order_id: number, total_amount: string, day = 10): Order => ({
  order_id,
  customer_id: 7,
  total_amount,
  created_at: `2026-01-${day}T12:00:00Z`,
});
const one = order(1, "10.00");
const two = order(2, "5.50", 11);
const three = order(3, "0.25", 12);

interface Case {
  log: Logged[];
  /** What the job made its values of. */
  stored: Logged[];
  /** Ends of its batches. */
  ends?: number[];
  set?: FeatureSet;
  corrupt?: (fields: Map<string, string>) => void;
  expires?: boolean;
}

/** The reasons by feature, of Redis alone, that say more than what should be and is. */
function reasons({
  log,
  stored,
  ends = [log.length],
  set = customer,
  corrupt,
  expires = false,
}: Case): Record<string, string> {
  const chain = ends.map((end, i) => manifest({ 0: [ends[i - 1] ?? 0, end] }));
  const now = microsOfIso(NOW) as bigint;
  const scope = new Scope(set, { now, inStep: false });
  const wrong = gatherer();
  const facts = truthOfLog([], readAll(set, [], stored, wrong)).now;
  const slots = new History(set, facts).slots(wrong.elements.get("7") ?? []);
  const served = new Expecter(set).expect(slots, facts.watermark).served(now);
  const hash =
    served === undefined
      ? undefined
      : {
          fields: new Map([
            ...([...onlineFields(scope, served.computed)].filter(([, text]) => text !== null) as [
              string,
              string,
            ][]),
            ["_computed_at", isoOfMicros(now)],
            ["_version", "1".padStart(20, "0")],
          ]),
          expires,
        };
  if (hash !== undefined) corrupt?.(hash.fields);
  const right = gatherer();
  const truth = truthOfLog(chain, readAll(set, chain, log, right));
  const entity = {
    entity: "7",
    elements: right.elements.get("7") ?? [],
    features: hash,
    companion: undefined,
    rows: [],
    before: [],
    held: [],
  };
  const offline = { files: [], strangers: [], manifests: [] };
  const comparing = { featureSet: set, truth, now: new Date(NOW), sink: "redis" as const, inStep: true };
  const { differences } = compareAll(comparing, [entity], offline);
  return Object.fromEntries(
    differences
      .filter(({ feature }) => feature !== "_windows" && !feature?.startsWith("_"))
      .map(({ feature, because }) => [feature ?? "*", because.replace(/^.*?; /, "")]),
  );
}

const spend = (one: Case) => reasons(one).total_spend_30d;

describe("a value that", () => {
  const log = [insert(1, one), insert(2, two), insert(3, three)];

  test("misses an event", () => {
    const found = reasons({ log, stored: [insert(1, one), insert(3, three)] });
    expect(found).toEqual({
      order_count_30d: "it is what comes without order_id 2 (shop.public.orders[0]@1)",
      total_spend_30d: "it is what comes without order_id 2 (shop.public.orders[0]@1)",
      avg_order_value_30d: "it is what comes without order_id 2 (shop.public.orders[0]@1)",
    });
  });

  test("misses one of several that would do", () => {
    const alike = [1, 2, 3, 4, 5].map((id) => insert(id, order(id, "1.00")));
    expect(spend({ log: alike, stored: alike.slice(1) })).toBe(
      "it is what comes without order_id 1 (shop.public.orders[0]@0) or without order_id 2 (shop.public.orders[0]@1) or " +
        "without order_id 3 (shop.public.orders[0]@2) and 2 more",
    );
  });

  test("misses an update", () => {
    const changed = [...log, update(4, two, { ...two, total_amount: "7.00" })];
    expect(spend({ log: changed, stored: log })).toBe(
      "it is what comes without order_id 2 (shop.public.orders[0]@3)",
    );
  });

  test("misses a delete", () => {
    expect(spend({ log: [...log, remove(4, two)], stored: log })).toBe(
      "it is what comes without the leaving of order_id 2 (shop.public.orders[0]@3)",
    );
  });

  test("misses a move to another entity", () => {
    const moved = [...log, update(4, two, { ...two, customer_id: 8 })];
    expect(spend({ log: moved, stored: log })).toContain(
      "without the leaving of order_id 2 (shop.public.orders[0]@3)",
    );
  });

  test("counts a row twice", () => {
    const twice = [...log, insert(4, { ...two, order_id: 99 })];
    expect(spend({ log, stored: twice })).toBe(
      "it is what comes with order_id 2 (shop.public.orders[0]@1) counted twice",
    );
  });

  test("holds a row as it once was", () => {
    const changes = [
      update(4, two, { ...two, total_amount: "7.00" }),
      update(5, two, { ...two, total_amount: "8.00" }),
      insert(6, order(4, "1.00")),
    ];
    expect(spend({ log: [...log, ...changes], stored: [...log, insert(6, order(4, "1.00"))] })).toBe(
      "it is what comes with order_id 2 (shop.public.orders[0]@1) as it was then, without the 2 events that changed it since",
    );
  });

  test("ends early", () => {
    const more = [...log, insert(4, order(4, "1.00")), remove(5, one), insert(6, order(6, "3.00"))];
    expect(spend({ log: more, stored: log })).toBe(
      "it is what comes without the last 3 events, after shop.public.orders[0]@2",
    );
  });

  test("counts what was late", () => {
    const june = insert(1, { ...order(9, "1.00"), customer_id: 8, created_at: "2026-06-01T00:00:00Z" });
    const final = [insert(2, one), june, insert(3, two)];
    const found = reasons({ log: final, ends: [2, 3], stored: [insert(2, one), insert(3, two)] });
    // Its window is final by then, so that there should be no key at all.
    expect(found["*"]).toBe("it is what comes with order_id 2 (shop.public.orders[0]@2), which was late");
  });

  test("misses a truncate", () => {
    const truncate = Buffer.from('{"op":"t","source":{"schema":"public","table":"orders","lsn":3}}');
    const truncated = [insert(1, one), insert(2, two), truncate, insert(4, three)];
    expect(spend({ log: truncated, stored: [insert(1, one), insert(2, two), insert(4, three)] })).toBe(
      "it is what comes without the truncate shop.public.orders[0]@2",
    );
  });

  test("is not applied yet", () => {
    const found = reasons({ log: [...log, insert(4, order(4, "1.00"))], ends: [3], stored: log });
    expect(found.total_spend_30d).toBe(
      "total_spend_30d should be 16.75 but is 15.75: the job has not applied the newest events yet, shop.public.orders[0]@3",
    );
  });

  test("misses an event before those that are not applied yet", () => {
    const more = [...log, insert(4, order(4, "1.00"))];
    expect(spend({ log: more, ends: [3], stored: [insert(1, one), insert(3, three)] })).toBe(
      "it is what comes without order_id 2 (shop.public.orders[0]@1)",
    );
  });

  test("is the only one that is wrong, as if of other rows", () => {
    const corrupt = (fields: Map<string, string>) => fields.set("total_spend_30d", "10.25");
    expect(reasons({ log, stored: log, corrupt })).toEqual({
      total_spend_30d: "total_spend_30d alone is what comes without order_id 2 (shop.public.orders[0]@1)",
    });
  });

  test("is the only one that is wrong, as if of several others, names none of them", () => {
    const corrupt = (fields: Map<string, string>) => fields.set("order_count_30d", "2");
    expect(reasons({ log, stored: log, corrupt }).order_count_30d).toMatch(
      "the 3 rows of the window are order_id 1",
    );
  });

  test("is right, but its key is not, needs no events", () => {
    expect(reasons({ log, stored: log, expires: true })).toEqual({
      "*": "customer:7:features has an expiry, which the job does not set: it would go away by itself",
    });
  });

  test("nothing would give", () => {
    const corrupt = (fields: Map<string, string>) => fields.set("total_spend_30d", "999.99");
    expect(reasons({ log, stored: log, corrupt })).toEqual({
      total_spend_30d:
        "the 3 rows of the window are order_id 1 (shop.public.orders[0]@0), order_id 2 (shop.public.orders[0]@1), order_id 3 (shop.public.orders[0]@2)",
    });
  });

  test("is in the wrong form, needs no events", () => {
    const corrupt = (fields: Map<string, string>) => fields.set("total_spend_30d", "15.750");
    expect(reasons({ log, stored: log, corrupt }).total_spend_30d).toMatch("in the wrong form");
  });

  test("is of more rows than can be tried", () => {
    const many = Array.from({ length: 500 }, (_, i) => insert(i + 1, order(i + 1, "1.00")));
    expect(spend({ log: many, stored: many.slice(1) })).toBe(
      "the 500 rows of the window are order_id 1 (shop.public.orders[0]@0), order_id 2 (shop.public.orders[0]@1), order_id 3 (shop.public.orders[0]@2) and 497 more",
    );
  });
});

describe("a key that", () => {
  test("is missing has rows", () => {
    expect(reasons({ log: [insert(1, one)], stored: [] })).toEqual({
      "*": "the only row of the window is order_id 1 (shop.public.orders[0]@0)",
    });
  });

  test("should be gone misses the event that took its last row", () => {
    expect(reasons({ log: [insert(1, one), remove(2, one)], stored: [insert(1, one)] })).toEqual({
      "*": "it is what comes without the leaving of order_id 1 (shop.public.orders[0]@1)",
    });
  });
});

describe("a set as of now", () => {
  const set: FeatureSet = { ...customer, windows: [{ kind: "unbounded", name: "default" }] };

  test("is explained as of when its values were computed", () => {
    expect(isAsOfNow(set)).toBe(true);
    const log = [insert(1, one), insert(2, two), event("r", 3, { after: { ...three, total_amount: null } })];
    expect(reasons({ set, log, stored: log.slice(0, 2) })).toEqual({
      order_count_30d: "it is what comes without order_id 3 (shop.public.orders[0]@2)",
      avg_order_value_30d: "it is what comes without order_id 3 (shop.public.orders[0]@2)",
      days_since_last_order: "it is what comes without order_id 3 (shop.public.orders[0]@2)",
    });
  });
});
