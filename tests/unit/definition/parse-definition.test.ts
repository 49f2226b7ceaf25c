import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { formatDiagnostic } from "../../../src/definition/diagnostics.ts";
import { onlineKey, topicOf } from "../../../src/definition/feature-set.ts";
import { parseDefinition } from "../../../src/definition/parse-definition.ts";
import { problemsOf, SHOPPER, shopperWith } from "./shopper.ts";

const DAY = 86_400_000;

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
    fc.nat(SHOPPER.length),
    fc.nat(40),
    fc.oneof(
      fc.tuple(fc.nat(SHOPPER.length), fc.nat(40)).map(([at, length]) => SHOPPER.slice(at, at + length)),
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
      ),
    ),
  )
  .map(([at, length, by]) => SHOPPER.slice(0, at) + by + SHOPPER.slice(at + length));

test("any text gives a feature set or problems, each with a place in the file", () => {
  fc.assert(
    fc.property(damaged, (text) => {
      const { featureSet, diagnostics } = parseDefinition(text, "shopper.yaml");
      expect(featureSet === undefined).toBe(diagnostics.length > 0);
      const lines = text.split("\n");
      for (const { line, column, message } of diagnostics) {
        expect(column).toBeLessThanOrEqual((lines[line - 1]?.length ?? -1) + 1);
        expect(message).not.toMatch(/undefined|\[object/);
      }
    }),
  );
});
