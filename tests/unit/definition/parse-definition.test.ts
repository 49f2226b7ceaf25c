import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { formatDiagnostic } from "../../../src/definition/diagnostics.ts";
import { onlineKey, topicOf } from "../../../src/definition/feature-set.ts";
import { parseDefinition } from "../../../src/definition/parse-definition.ts";
import { GUEST, problemsOf, SHOPPER, shopperWith } from "./shopper.ts";

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

const builtIn = (name: string) => {
  const file = `features/${name}.yaml`;
  return parseDefinition(readFileSync(new URL(`../../../${file}`, import.meta.url), "utf8"), file);
};

describe("the built-in sets", () => {
  test("customer", () => {
    const { featureSet, diagnostics } = builtIn("customer");
    expect(diagnostics).toEqual([]);
    expect(featureSet).toMatchObject({
      entity: ["customer_id"],
      source: {
        schema: "public",
        table: "orders",
        primaryKey: ["order_id"],
        eventTime: "created_at",
        appendOnly: false,
        format: "envelope",
        replicaIdentity: "full",
        immutable: [],
      },
      windows: [{ kind: "tumbling", name: "default", lengthMs: 30 * DAY, retentionMs: 30 * DAY }],
      deadLetterShare: 0.2,
      mode: "micro-batch",
      watermarkMs: 3_600_000,
      features: [
        { name: "order_count_30d", type: { kind: "bigint" }, aggregate: "count", window: "default" },
        {
          name: "total_spend_30d",
          type: { kind: "decimal", digits: 2 },
          aggregate: "sum",
          column: "total_amount",
        },
        { name: "avg_order_value_30d", type: { kind: "decimal", digits: 2 }, expression: { op: "/" } },
        { name: "days_since_last_order", type: { kind: "integer" }, kind: "behavioural", measure: "recency" },
        {
          name: "is_high_value",
          type: { kind: "boolean" },
          expression: { op: ">", right: { op: "literal", value: "1000" } },
        },
      ],
    });
    expect(featureSet && topicOf(featureSet.source, "shop")).toBe("shop.public.orders");
    expect(featureSet && onlineKey(featureSet, "42")).toBe("customer:42:features");
  });

  test("product", () => {
    const { featureSet, diagnostics } = builtIn("product");
    expect(diagnostics).toEqual([]);
    expect(featureSet?.windows).toMatchObject([{ lengthMs: 7 * DAY, retentionMs: 7 * DAY }]);
    expect(featureSet?.features.map(({ name, type }) => [name, type])).toEqual([
      ["units_sold_7d", { kind: "bigint" }],
      ["revenue_7d", { kind: "decimal", digits: 2 }],
      ["unique_customers_7d", { kind: "bigint" }],
      ["sales_per_day", { kind: "decimal", digits: 2 }],
    ]);
  });
});

test("hints of columns, a retention and the exact text of a parameter are kept", () => {
  const text = shopperWith({
    "amount: decimal(12,2)": 'amount: { type: "decimal(12,2)", encoding: precise }',
    "created_at: timestamp": "created_at: { type: timestamp, unit: millis }",
    "length: 30 days": "length: 30 days\n  retention: 0 days",
    "limit_amount: 1000": "limit_amount: 1000.10",
  });
  const { featureSet } = parseDefinition(text, "shopper.yaml");
  expect(featureSet?.source.columns.slice(2)).toEqual([
    { name: "amount", type: { kind: "decimal", precision: 12, scale: 2, encoding: "precise" } },
    { name: "created_at", type: { kind: "timestamp", unit: "millis" } },
  ]);
  expect(featureSet?.windows).toMatchObject([{ retentionMs: 0 }]);
  expect(featureSet?.features.at(-1)).toMatchObject({
    expression: { right: { op: "literal", value: "1000.10" } },
  });
});

test("keys of several columns, windows with what they are unless told, and the types of all features", () => {
  const { featureSet, diagnostics } = parseDefinition(GUEST, "guest.yaml");
  expect(diagnostics).toEqual([]);
  expect(featureSet).toMatchObject({
    entity: ["region", "guest_id"],
    source: { primaryKey: ["region", "stay_id"], eventTime: "arrived_at" },
    windows: [
      { kind: "rolling", name: "1h", lengthMs: HOUR, granularityMs: 5 * MINUTE },
      { kind: "rolling", name: "30d", lengthMs: 30 * DAY, granularityMs: DAY },
      { kind: "session", name: "visit", gapMs: 30 * MINUTE, longestMs: DAY, retentionMs: DAY },
      { kind: "unbounded", name: "all" },
    ],
    deadLetterShare: 0.2,
    mode: "micro-batch",
  });
  expect(featureSet?.features).toEqual([
    {
      name: "stays_1h",
      description: "",
      type: { kind: "bigint" },
      kind: "aggregated",
      aggregate: "count",
      window: "1h",
    },
    {
      name: "pace",
      description: "",
      type: { kind: "decimal", digits: 2 },
      kind: "behavioural",
      measure: "velocity",
      window: "30d",
    },
    {
      name: "per_day",
      description: "",
      type: { kind: "decimal", digits: 2 },
      kind: "behavioural",
      measure: "frequency",
      unit: "day",
      window: "30d",
    },
    {
      name: "spent",
      description: "",
      type: { kind: "decimal", digits: 2 },
      kind: "aggregated",
      aggregate: "sum",
      column: "price",
      window: "visit",
    },
    {
      name: "room_now",
      description: "",
      type: { kind: "text" },
      kind: "point_in_time",
      column: "room",
      window: "all",
    },
    {
      name: "birthday",
      description: "",
      type: { kind: "date" },
      kind: "aggregated",
      aggregate: "first",
      column: "born",
      window: "all",
    },
    {
      name: "tier",
      description: "",
      type: { kind: "integer" },
      kind: "derived",
      expression: {
        op: "bucket",
        arguments: [
          {
            op: "coalesce",
            arguments: [
              { op: "feature", name: "spent" },
              { op: "literal", value: "0" },
            ],
          },
          { op: "literal", value: "10" },
          { op: "literal", value: "100" },
        ],
      },
    },
    {
      name: "label",
      description: "",
      type: { kind: "text" },
      kind: "derived",
      expression: {
        op: "cross",
        arguments: [
          { op: "feature", name: "tier" },
          { op: "feature", name: "room_now" },
          { op: "=", left: { op: "feature", name: "room_now" }, right: { op: "text", value: "S1" } },
        ],
      },
    },
  ]);
});

test("what a definition tells about its source and its windows is kept", () => {
  const text = shopperWith({
    "customer_id\nsource": "[customer_id]\nsource",
    "  event_time":
      "  append_only: true\n  format: flattened\n  replica_identity: default\n  immutable: amount\n  event_time",
    "type: tumbling": "type: sliding\n  slide: 1 day\n  retention: 2 days",
    "watermark:": "dead_letters: { max_share: 0.5 }\nwatermark:",
  });
  expect(parseDefinition(text, "shopper.yaml").featureSet).toMatchObject({
    entity: ["customer_id"],
    source: {
      appendOnly: true,
      format: "flattened",
      replicaIdentity: "default",
      immutable: ["amount"],
    },
    windows: [{ kind: "sliding", name: "default", lengthMs: 30 * DAY, slideMs: DAY, retentionMs: 2 * DAY }],
    deadLetterShare: 0.5,
    mode: "micro-batch",
  });
});

test.each([
  ["1 minute", MINUTE],
  ["90 seconds", SECOND],
  ["7 minutes", MINUTE],
  ["1 hour", 5 * MINUTE],
  ["11 hours", 5 * MINUTE],
  ["12 hours", HOUR],
  ["1 day", HOUR],
  ["1450 minutes", 5 * MINUTE],
  ["7 days", HOUR],
  ["12 days", DAY],
  ["90 days", DAY],
  ["300 hours", HOUR],
])("a rolling window of %s moves in steps of %d ms unless told", (length, granularityMs) => {
  const text = shopperWith({ "type: tumbling": "type: rolling", "30 days": length });
  expect(parseDefinition(text, "shopper.yaml").featureSet?.windows).toMatchObject([
    { kind: "rolling", granularityMs },
  ]);
});

test.each([
  ["session", "gap: 1 hour", { longestMs: DAY, retentionMs: DAY }],
  ["session", "gap: 1 hour\n  longest: 3 hours", { longestMs: 3 * HOUR, retentionMs: 3 * HOUR }],
  [
    "session",
    "gap: 1 hour\n  longest: 3 hours\n  retention: 7 days",
    { longestMs: 3 * HOUR, retentionMs: 7 * DAY },
  ],
  ["sliding", "length: 7 days\n  slide: 1 day", { slideMs: DAY, retentionMs: 7 * DAY }],
  ["tumbling", "length: 7 days", { retentionMs: 7 * DAY }],
])("a %s window of %s", (type, times, meant) => {
  const text = shopperWith({ "type: tumbling\n  length: 30 days": `type: ${type}\n  ${times}` });
  expect(parseDefinition(text, "shopper.yaml").featureSet?.windows).toMatchObject([meant]);
});

test("features have the types of what they compute", () => {
  const columns = ["bigint", "integer", "text", "boolean", "date", "timestamp", "decimal(9,4)"];
  const types: Record<string, unknown> = {};
  for (const type of columns) {
    const ordered = /^(text|boolean)$/.test(type) ? [] : ["min", "max"];
    const computations = [
      ...["first", "last", "count_distinct", ...ordered].map((one) => `kind: aggregated, aggregate: ${one}`),
      "kind: point_in_time",
    ];
    if (/^(bigint|integer|decimal)/.test(type)) {
      computations.push("kind: aggregated, aggregate: sum");
      computations.push("kind: aggregated, digits: 3, aggregate: avg");
    }
    for (const computation of computations) {
      const text = shopperWith({
        "amount: decimal(12,2)": `amount: ${type}`,
        "spend: { kind: aggregated, aggregate: sum, column: amount }": `spend: { ${computation}, column: amount }`,
        "  average: { kind: derived, expression: spend / orders, digits: 2 }\n": "",
        "spend > limit_amount": "orders > limit_amount",
      });
      const { featureSet, diagnostics } = parseDefinition(text, "shopper.yaml");
      expect(diagnostics).toEqual([]);
      const { kind, ...more } = featureSet?.features[1]?.type ?? { kind: "none" };
      types[`${computation.split(" ").at(-1)} ${type}`] = [kind, ...Object.values(more)].join(" ");
    }
  }
  const itself = (aggregates: string[]) =>
    columns.flatMap((type) =>
      aggregates
        .filter((aggregate) => !/^m/.test(aggregate) || !/^(text|boolean)$/.test(type))
        .map((aggregate) => [`${aggregate} ${type}`, type === "decimal(9,4)" ? "decimal 4" : type]),
    );
  expect(types).toEqual({
    ...Object.fromEntries(itself(["min", "max", "first", "last", "point_in_time"])),
    ...Object.fromEntries(columns.map((type) => [`count_distinct ${type}`, "bigint"])),
    "sum bigint": "bigint",
    "sum integer": "bigint",
    "sum decimal(9,4)": "decimal 4",
    "avg bigint": "decimal 3",
    "avg integer": "decimal 3",
    "avg decimal(9,4)": "decimal 3",
  });
});

test("problems of form, of meaning and of expressions are told at once, in the order of the file", () => {
  const text = shopperWith({
    "watermark:": "watermrk:",
    "column: amount": "column: amuont",
    "spend / orders": "spend // orders",
    "digits: 2": "digit: 2",
  });
  expect(problemsOf(text)).toEqual([
    '1:1 missing-key: "watermark" is missing',
    '16:1 unknown-key: a feature set has no "watermrk" → watermark',
    "21:54 unknown-column: amuont is not among source.columns → amount",
    "22:48 expression-syntax: a feature, a parameter, a number or a text is missing here",
    '22:58 unknown-key: a derived feature has no "digit" → digits',
  ]);
});

test("a definition with problems is no feature set", () => {
  expect(parseDefinition(shopperWith({ "30 days": "0 days" }), "shopper.yaml").featureSet).toBeUndefined();
  expect(parseDefinition(SHOPPER, "shopper.yaml").featureSet?.name).toBe("shopper");
});

test("a diagnostic shows its place, the nearest word and what is allowed", () => {
  const [diagnostic] = parseDefinition(
    shopperWith({ "column: amount": "column: amuont" }),
    "features/shopper.yaml",
  ).diagnostics;
  expect(diagnostic && formatDiagnostic(diagnostic)).toBe(
    [
      "features/shopper.yaml:21:54: amuont is not among source.columns [unknown-column]",
      "  did you mean amount?",
      "  allowed: order_id, customer_id, amount, created_at",
    ].join("\n"),
  );
  const [plain] = parseDefinition(shopperWith({ "30 days": "0 days" }), "shopper.yaml").diagnostics;
  expect(plain && formatDiagnostic(plain)).toBe(
    "shopper.yaml:15:11: a window is longer than nothing [window-length]",
  );
});

/** A piece of the text replaced by another piece of it, or by something odd. */
const damaged = fc
  .tuple(
    fc.constantFrom(SHOPPER, GUEST),
    fc.nat(GUEST.length),
    fc.nat(40),
    fc.oneof(
      fc.tuple(fc.nat(GUEST.length), fc.nat(40)).map(([at, length]) => GUEST.slice(at, at + length)),
      fc.constantFrom(
        "",
        "null",
        "[]",
        "{}",
        "&a ",
        "*a",
        "? ",
        "\n",
        "\t",
        ": ",
        "- ",
        "'",
        '"',
        "|\n",
        "1e9",
        ".nan",
        "#",
        "%",
        "[a, b]",
        "0 days",
        "append_only: true",
        "format: flattened",
        "type: session",
      ),
    ),
  )
  .map(([text, at, length, by]) => text.slice(0, at) + by + text.slice(at + length));

test("any text gives a feature set or problems, each with a place in the file", () => {
  fc.assert(
    fc.property(damaged, (text) => {
      const { featureSet, diagnostics } = parseDefinition(text, "features");
      expect(featureSet === undefined).toBe(diagnostics.length > 0);
      const lines = text.split("\n");
      for (const { line, column, message } of diagnostics) {
        expect(column).toBeLessThanOrEqual((lines[line - 1]?.length ?? -1) + 1);
        expect(message).not.toMatch(/undefined|\[object/);
      }
    }),
  );
});
