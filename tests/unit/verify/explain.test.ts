/** How a right value came about. */
import { Chalk } from "chalk";
import { describe, expect, test } from "vitest";
import { explanationText } from "../../../src/cli/report/explain.ts";
import type { Feature, FeatureSet } from "../../../src/definition/feature-set.ts";
import { microsOfIso } from "../../../src/platform/instants.ts";
import { EntityLog } from "../../../src/verify/entity-log.ts";
import { Explaining } from "../../../src/verify/explain.ts";
import type { Explanation } from "../../../src/verify/explanation.ts";
import { expressionText, meaningOf } from "../../../src/verify/meaning.ts";
import { truthOfLog } from "../../../src/verify/truth.ts";
import { event, insert, type Logged, manifest, type Order, readAll, remove, update } from "./events.ts";
import { customer } from "./sets.ts";

const NOW = "2026-01-20T10:00:00Z";

const order = (order_id: number, total_amount: string | null, day = 10): Order => ({
  order_id,
  customer_id: 7,
  total_amount,
  created_at: `2026-01-${day}T12:00:00Z`,
});
const one = order(1, "10.00");
const two = order(2, "5.50", 11);
const three = order(3, null, 12);

interface Asked {
  set?: FeatureSet;
  entity?: string;
  ends?: number[];
  fields?: Record<string, string>;
}

function explain(
  log: Logged[],
  name: string,
  { set = customer, entity = "7", ends = [], fields }: Asked = {},
): Explanation {
  const chain = ends.map((end, i) => manifest({ 0: [ends[i - 1] ?? 0, end] }));
  const entityLog = new EntityLog(entity);
  const truth = truthOfLog(chain, readAll(set, chain, log, entityLog));
  const feature = set.features.find((one) => one.name === name) as Feature;
  const hash = fields === undefined ? undefined : { fields: new Map(Object.entries(fields)), expires: false };
  return new Explaining(set, truth, entityLog, microsOfIso(NOW) as bigint).explain(feature, hash);
}

const at = (offset: number) => `shop.public.orders[0]@${offset}`;

/** `1 deleted d@3` of rows that left and events that were set aside. */
const shown = (changes: Explanation["left"]) =>
  changes.map(({ key, why, event }) => `${key.join()} ${why} ${event.op}@${event.at.split("@")[1]}`);

describe("what counts", () => {
  test("is the window that is served, its rows and the events that made them what they are", () => {
    const changed = event(
      "u",
      3,
      { before: two, after: { ...two, total_amount: "7.00" } },
      { ts_ms: Date.UTC(2026, 0, 13) },
    );
    const other = insert(5, { ...order(9, "1.00"), created_at: "2025-12-20T00:00:00Z" });
    const fields = { total_spend_30d: "17.00", _computed_at: "2026-01-20T09:00:00Z" };
    expect(
      explain([insert(1, one), insert(2, two), changed, insert(4, three), other], "total_spend_30d", {
        fields,
      }),
    ).toEqual({
      featureSet: "customer",
      entity: "7",
      feature: "total_spend_30d",
      meaning: "sum of total_amount",
      value: "17.00",
      asOf: NOW,
      online: { value: "17.00", computedAt: "2026-01-20T09:00:00Z" },
      operands: [],
      windows: [{ name: "default", start: "2026-01-07T00:00:00Z", end: "2026-02-06T00:00:00Z", rows: 3 }],
      key: ["order_id"],
      columns: ["total_amount"],
      rows: [
        {
          key: ["3"],
          eventTime: "2026-01-12T12:00:00Z",
          values: [null],
          event: { at: at(3), op: "c", committedAt: null },
        },
        {
          key: ["2"],
          eventTime: "2026-01-11T12:00:00Z",
          values: ["7.00"],
          event: { at: at(2), op: "u", committedAt: "2026-01-13T00:00:00Z" },
        },
        {
          key: ["1"],
          eventTime: "2026-01-10T12:00:00Z",
          values: ["10.00"],
          event: { at: at(0), op: "c", committedAt: null },
        },
      ],
      rowsBefore: [],
      rowsElsewhere: 1,
      left: [],
      setAside: [],
      events: 5,
    });
  });

  test("of a derived feature is what it is made of, in the end", () => {
    const { value, operands, columns, rows } = explain(
      [insert(1, one), insert(2, two)],
      "avg_order_value_30d",
    );
    expect({ value, operands, columns }).toEqual({
      value: "7.75",
      operands: [
        { name: "order_count_30d", meaning: "number of rows", value: "2" },
        { name: "total_spend_30d", meaning: "sum of total_amount", value: "15.50" },
      ],
      columns: ["total_amount"],
    });
    expect(rows).toHaveLength(2);
    const twice: FeatureSet = {
      ...customer,
      features: [
        ...customer.features,
        {
          name: "again",
          description: "",
          type: { kind: "boolean" },
          kind: "derived",
          expression: {
            op: ">",
            left: { op: "feature", name: "avg_order_value_30d" },
            right: { op: "literal", value: "7" },
          },
        },
      ],
    };
    expect(explain([insert(1, one)], "again", { set: twice })).toMatchObject({
      value: "true",
      operands: [{ name: "avg_order_value_30d", value: "10.00" }],
      columns: ["total_amount"],
      rows: [{ key: ["1"] }],
    });
  });

  test("of a set as of now is in the feature's own window", () => {
    const DAY = 86_400_000;
    const set: FeatureSet = {
      ...customer,
      windows: [
        { kind: "rolling", name: "4d", lengthMs: 4 * DAY, granularityMs: DAY },
        { kind: "unbounded", name: "all" },
      ],
      features: [
        {
          name: "ever",
          description: "",
          type: { kind: "bigint" },
          kind: "aggregated",
          aggregate: "count",
          window: "all",
        },
        {
          name: "recent",
          description: "",
          type: { kind: "bigint" },
          kind: "aggregated",
          aggregate: "count",
          window: "4d",
        },
        {
          name: "speed",
          description: "",
          type: { kind: "decimal", digits: 2 },
          kind: "behavioural",
          measure: "velocity",
          window: "4d",
        },
      ],
    };
    // The four days until the 21st begin on the 17th, those before on the 13th.
    const log = [12, 14, 18, 19].map((day, i) => insert(i + 1, order(i + 1, "1.00", day)));
    expect(explain(log, "speed", { set })).toMatchObject({
      meaning: "rows in 4d by rows in as long before it",
      value: "2.00",
      windows: [{ name: "4d", start: "2026-01-17T00:00:00Z", end: "2026-01-21T00:00:00Z", rows: 2 }],
      rows: [{ key: ["4"] }, { key: ["3"] }],
      rowsBefore: [{ key: ["2"] }],
      rowsElsewhere: 1,
    });
    expect(explain(log, "recent", { set })).toMatchObject({ value: "2", rowsBefore: [], rowsElsewhere: 2 });
    expect(explain(log, "ever", { set })).toMatchObject({
      value: "4",
      windows: [{ name: "all", start: null, end: null, rows: 4 }],
      rowsElsewhere: 0,
    });
  });
});

describe("what has left", () => {
  test("is told with the event that took it", () => {
    const log = [
      ...[1, 2, 3, 4, 5, 6].map((id) => insert(id, order(id, "1.00"))),
      remove(11, order(1, "1.00")),
      update(12, order(2, "1.00"), { ...order(2, "1.00"), customer_id: 8 }),
      update(13, order(3, "1.00"), { ...order(3, "1.00"), customer_id: null }),
      update(14, order(4, "1.00"), order(4, "NaN")),
      update(15, order(5, "1.00"), order(5, "1.00", 15)),
    ];
    const found = explain(log, "order_count_30d");
    expect(shown(found.left)).toEqual([
      "1 deleted d@6",
      "2 moved to 8 u@7",
      "3 has no customer_id any more u@8",
      expect.stringMatching(/^4 cannot be read any more: total_amount = "NaN" is no decimal u@9$/),
    ]);
    expect(found.rows.map(({ key }) => key[0])).toEqual(["5", "6"]);
    expect(shown(explain(log, "order_count_30d", { entity: "8" }).left)).toEqual([]);
  });

  test("with a truncate it is all", () => {
    const truncate = Buffer.from(
      '{"op":"t","source":{"schema":"public","table":"orders","lsn":3,"ts_ms":0}}',
    );
    const { left, value, windows } = explain([insert(1, one), truncate], "order_count_30d");
    expect(shown(left)).toEqual(["1 the table was truncated t@1"]);
    expect({ value, windows }).toEqual({ value: null, windows: [] });
  });
});

describe("what was set aside", () => {
  test("are late events and dead letters about the entity", () => {
    const june = insert(2, { ...order(9, "1.00"), customer_id: 8, created_at: "2026-06-01T00:00:00Z" });
    const log = [
      insert(1, { ...one, customer_id: 8 }),
      june,
      insert(3, { ...two, customer_id: 8 }),
      insert(4, { ...three, customer_id: 8, total_amount: "NaN" }),
      insert(5, { ...three, customer_id: 7, total_amount: "NaN" }),
      Buffer.from("no event"),
    ];
    expect(shown(explain(log, "order_count_30d", { entity: "8", ends: [2, 6] }).setAside)).toEqual([
      "2 late: the window of 2026-01-07T00:00:00Z was final by then c@2",
      expect.stringMatching(/^3 dead letter: total_amount = "NaN" is no decimal c@3$/),
    ]);
  });
});

describe("on the screen", () => {
  const text = (explanation: Explanation, limit = 20) =>
    explanationText(explanation, limit, new Chalk({ level: 0 }));

  test("all of it is there", () => {
    const fields = { total_spend_30d: "10.00", _computed_at: "2026-01-20T09:00:00Z" };
    const log = [insert(1, one), insert(2, two), insert(3, three), remove(4, two)];
    expect(
      text(explain(log, "total_spend_30d", { fields }), 1),
    ).toBe(`customer 7: total_spend_30d = 10.00 as of 2026-01-20T10:00:00Z
  sum of total_amount
  window default: from 2026-01-07T00:00:00Z until 2026-02-06T00:00:00Z, 2 rows
  online: 10.00, computed at 2026-01-20T09:00:00Z

2 rows count
order_id  event time            total_amount  op  event                    committed
3         2026-01-12T12:00:00Z  null          c   shop.public.orders[0]@2
… and 1 more (--limit, all with --json)

1 row has left
order_id  why      op  event                    committed
2         deleted  d   shop.public.orders[0]@3`);
  });

  test("another value online is pointed out", () => {
    const fields = { total_spend_30d: "11.00", _computed_at: "x\ny" };
    expect(text(explain([insert(1, one)], "total_spend_30d", { fields }))).toContain(
      "online: 11.00, computed at x\uFFFDy, which is another value",
    );
  });

  test("an entity that the log does not know", () => {
    expect(text(explain([insert(1, one)], "total_spend_30d", { entity: "8" }))).toBe(
      "customer 8: total_spend_30d = null as of 2026-01-20T10:00:00Z\n  sum of total_amount\n  online: no key\n\n" +
        "The log has no events of 8.",
    );
  });
});

describe("in words", () => {
  test.each<[Partial<Feature>, string]>([
    [{ kind: "aggregated", aggregate: "count", window: "1h" }, "number of rows in 1h"],
    [{ kind: "aggregated", aggregate: "avg", column: "x", window: "default" }, "average of x"],
    [
      { kind: "aggregated", aggregate: "count_distinct", column: "x", window: "1h" },
      "number of different values of x in 1h",
    ],
    [{ kind: "point_in_time", column: "x", window: "1h" }, "x of the latest row in 1h"],
    [
      { kind: "behavioural", measure: "recency", unit: "days", window: "1h" },
      "UTC days from the latest created_at in 1h to today",
    ],
    [{ kind: "behavioural", measure: "frequency", unit: "day", window: "1h" }, "rows per day in 1h"],
  ])("%j", (feature, words) => {
    expect(meaningOf(customer, feature as Feature)).toBe(words);
  });

  test("expressions are as in a definition", () => {
    expect(
      expressionText({
        op: "cross",
        arguments: [
          { op: "text", value: "it's" },
          {
            op: "*",
            left: { op: "+", left: { op: "feature", name: "a" }, right: { op: "literal", value: "1" } },
            right: {
              op: "coalesce",
              arguments: [
                { op: "feature", name: "b" },
                { op: "literal", value: "0" },
              ],
            },
          },
        ],
      }),
    ).toBe("cross('it''s', (a + 1) * coalesce(b, 0))");
  });
});
