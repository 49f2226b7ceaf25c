import { expect, test } from "vitest";
import { problemsOf, SHOPPER, shopperWith, shopperWithExpression } from "./shopper.ts";

const cases: { what: string; text: string; file?: string; problems: string[] }[] = [
  // names
  {
    what: "a set that would hide the library",
    text: shopperWith({ "name: shopper": "name: cdc" }),
    file: "cdc.yaml",
    problems: ["1:7 reserved-name: cdc is reserved: its job would be called like the library, cdc_features"],
  },
  {
    what: "an entity like a column of the stores",
    text: shopperWith({
      "entity: customer_id": "entity: batch_id",
      "    customer_id: bigint": "    batch_id: bigint",
    }),
    problems: ["3:9 reserved-name: batch_id is a column of every offline store and cannot be the entity"],
  },
  {
    what: "a feature like a column of the stores",
    text: shopperWith({ "  orders: {": "  window_end: {", "spend / orders": "spend / window_end" }),
    problems: ["20:3 reserved-name: window_end is a column of every offline store"],
  },
  {
    what: "an entity like a column of the refresh",
    text: shopperWith({
      "entity: customer_id": "entity: _row",
      "    customer_id: bigint": "    _row: bigint",
    }),
    problems: [
      "3:9 reserved-name: columns that begin with _ are the jobs' own, and _row cannot be the entity",
    ],
  },
  {
    what: "a keyword",
    text: shopperWith({ "  orders: {": "  class: {", "spend / orders": "spend / class" }),
    problems: ["20:3 reserved-name: class is a keyword of SQL or Python"],
  },
  {
    what: "a feature like the entity",
    text: shopperWith({ "  orders: {": "  customer_id: {", "spend / orders": "spend / customer_id" }),
    problems: ["20:3 duplicate-name: customer_id is already the name of the entity"],
  },
  {
    what: "a parameter like a feature",
    text: shopperWith({ "  limit_amount: 1000": "  limit_amount: 1000\n  spend: 5" }),
    problems: ["19:3 duplicate-name: spend is also the name of a feature"],
  },
  {
    what: "another file's name",
    text: shopperWith({ "name: shopper": "name: buyer" }),
    problems: ["1:7 file-name: buyer is written in a file called shopper → shopper"],
  },

  // columns
  {
    what: "an entity that is no column",
    text: shopperWith({ "entity: customer_id": "entity: custmer_id" }),
    problems: ["3:9 unknown-column: custmer_id is not among source.columns → customer_id"],
  },
  {
    what: "an unknown primary key",
    text: shopperWith({ "primary_key: order_id": "primary_key: id" }),
    problems: ["6:16 unknown-column: id is not among source.columns"],
  },
  {
    what: "an unknown column of an aggregate",
    text: shopperWith({ "column: amount": "column: amuont" }),
    problems: ["21:54 unknown-column: amuont is not among source.columns → amount"],
  },
  {
    what: "a timestamp as the entity",
    text: shopperWith({ "entity: customer_id": "entity: created_at", "    customer_id: bigint\n": "" }),
    problems: ["3:9 column-type: created_at is a timestamp, which cannot be the entity"],
  },
  {
    what: "a decimal as the primary key",
    text: shopperWith({ "primary_key: order_id": "primary_key: amount", "    order_id: bigint\n": "" }),
    problems: ["6:16 column-type: amount is a decimal, which cannot be the primary key"],
  },
  {
    what: "a number as the event time",
    text: shopperWith({ "created_at: timestamp": "created_at: bigint" }),
    problems: ["7:15 column-type: created_at is a bigint, which cannot be the event time"],
  },
  {
    what: "a sum of texts",
    text: shopperWith({ "amount: decimal(12,2)": "amount: text" }),
    problems: ["21:54 column-type: amount is a text, which cannot be summed"],
  },
  {
    what: "an average of texts",
    text: shopperWith({
      "amount: decimal(12,2)": "amount: text",
      "aggregate: sum, column: amount": "aggregate: avg, column: amount, digits: 2",
    }),
    problems: ["21:54 column-type: amount is a text, which cannot be averaged"],
  },
  {
    what: "the least and the greatest of texts and booleans",
    text: shopperWith({
      "amount: decimal(12,2)": "amount: text\n    is_paid: boolean",
      "aggregate: sum, column: amount }":
        "aggregate: sum, column: order_id }\n  least: { kind: aggregated, aggregate: min, column: amount }\n  most: { kind: aggregated, aggregate: max, column: is_paid }",
    }),
    problems: [
      "23:54 column-type: amount is a text, which cannot be compared by size",
      "24:53 column-type: is_paid is a boolean, which cannot be compared by size",
    ],
  },
  {
    what: "an unknown column of a point in time",
    text: shopperWith({
      "column: amount }": "column: amount }\n  now: { kind: point_in_time, column: amonut }",
    }),
    problems: ["22:39 unknown-column: amonut is not among source.columns → amount"],
  },
  {
    what: "a column that nothing reads",
    text: shopperWith({ "    created_at: timestamp": "    status: text\n    created_at: timestamp" }),
    problems: ["12:5 unused-column: no feature reads status; leave it out"],
  },
  {
    what: "columns that differ in case only",
    text: shopperWith({
      "column: amount }": "column: amount }\n  spend_2: { kind: aggregated, aggregate: sum, column: Amount }",
      "    amount: d": "    Amount: bigint\n    amount: d",
    }),
    problems: ["12:5 duplicate-column: amount and Amount are the same name for Spark"],
  },
  {
    what: "a decimal there is not",
    text: shopperWith({ "decimal(12,2)": "decimal(12,13)" }),
    problems: ["11:13 decimal-size: there is no decimal(12,13)"],
  },
  {
    what: "a decimal without digits after the point",
    text: shopperWith({ "decimal(12,2)": "decimal(12)" }),
    problems: [
      "11:13 decimal-encoding: amount has no digits after the point, so that its encoding cannot be told by its text",
    ],
  },
  {
    what: "hints of the wrong type",
    text: shopperWith({
      "    order_id: bigint": "    order_id: { type: bigint, unit: millis, encoding: text }",
    }),
    problems: [
      "9:31 column-hint: only a timestamp has a unit, not a bigint",
      "9:45 column-hint: only a decimal has an encoding, not a bigint",
    ],
  },

  // times
  {
    what: "a window of no length",
    text: shopperWith({ "30 days": "0 days" }),
    problems: ["15:11 window-length: a window is longer than nothing"],
  },
  {
    what: "a window of half seconds",
    text: shopperWith({ "30 days": "1500 milliseconds" }),
    problems: ["15:11 window-length: a window lasts whole seconds, not 1500 milliseconds"],
  },
  {
    what: "a retention beyond all measure",
    text: shopperWith({ "  length: 30 days": "  length: 30 days\n  retention: 6000 weeks" }),
    problems: ["16:14 duration-limit: 6000 weeks is longer than a hundred years, 36500 days"],
  },

  // features
  {
    what: "none",
    text: SHOPPER.replace(/parameters:[\s\S]*/, "features: {}\n"),
    problems: ["17:11 no-features: a feature set has at least one feature"],
  },
  {
    what: "an unknown name",
    text: shopperWithExpression("spent / orders, digits: 2"),
    problems: ["22:41 unknown-name: spent is neither a feature nor a parameter → spend"],
  },
  {
    what: "a name nearest to one that cannot be a name",
    text: shopperWith({ "  orders: {": "  Order_Count: {", "spend / orders": "spend / order_count" }),
    problems: [
      '20:3 wrong-name: "Order_Count" cannot be a name → order_count',
      "22:49 unknown-name: order_count is neither a feature nor a parameter",
    ],
  },
  {
    what: "a column in an expression",
    text: shopperWithExpression("amount / orders, digits: 2"),
    problems: ["22:41 unknown-name: amount is a column; aggregate it in a feature and use that"],
  },
  {
    what: "itself",
    text: shopperWithExpression("average / orders, digits: 2"),
    problems: ["22:41 feature-cycle: average uses itself"],
  },
  {
    what: "a circle",
    text: `${shopperWithExpression("spend / total, digits: 2")}  total: { kind: derived, expression: average * 2, digits: 2 }\n`,
    problems: [
      "22:49 feature-cycle: a circle: average uses total uses average",
      "24:39 feature-cycle: a circle: total uses average uses total",
    ],
  },
  {
    what: "a later feature",
    text: `${shopperWithExpression("spend / total, digits: 2")}  total: { kind: derived, expression: orders * 2, digits: 2 }\n`,
    problems: ["22:49 feature-order: total comes later; write it before average"],
  },
  {
    what: "a number without digits",
    text: shopperWithExpression("spend / orders"),
    problems: ["22:3 digits: average is a number and needs its digits after the point, as in digits: 2"],
  },
  {
    what: "a comparison with digits",
    text: shopperWithExpression("spend > orders, digits: 2"),
    problems: ["22:57 digits: average is true or false and has no digits"],
  },
  {
    what: "a constant",
    text: shopperWithExpression("limit_amount * 2, digits: 2"),
    problems: ["22:41 constant-expression: average uses no feature, so that it is the same for all"],
  },
  {
    what: "a copied comparison",
    text: `${SHOPPER}  copy: { kind: derived, expression: is_rich }\n`,
    problems: ["24:38 copied-feature: copy only repeats is_rich"],
  },
  {
    what: "a number of too many digits",
    text: shopperWith({ "spend / orders": "spend / 123456789012345678901", "1000": "0.1234567890123456789" }),
    problems: [
      "18:17 number-size: a number has at most 20 digits before its point and 18 after it",
      "22:49 number-size: a number has at most 20 digits before its point and 18 after it",
    ],
  },
  {
    what: "a parameter with an exponent",
    text: shopperWith({ "1000": "1e3" }),
    problems: ["18:17 number-size: 1e3 must be written in plain digits, as in 1000 or 0.5"],
  },
  {
    what: "a bucket with digits",
    text: shopperWithExpression('"bucket(spend, 10)", digits: 2'),
    problems: ["22:62 digits: average is a whole number and has no digits"],
  },
  {
    what: "a text with digits",
    text: shopperWithExpression('"cross(orders, spend > 1)", digits: 2'),
    problems: ["22:69 digits: average is a text and has no digits"],
  },
  {
    what: "a number of more than a bucket, without digits",
    text: shopperWithExpression('"bucket(spend, 10) + 1"'),
    problems: ["22:3 digits: average is a number and needs its digits after the point, as in digits: 2"],
  },
  {
    what: "a copied text",
    text: shopperWith({
      "amount: decimal(12,2)": "amount: decimal(12,2)\n    status: text",
      "column: amount }": "column: amount }\n  last: { kind: aggregated, aggregate: last, column: status }",
      "spend / orders, digits: 2": "last",
    }),
    problems: ["24:41 copied-feature: average only repeats last"],
  },
  {
    what: "constants in functions",
    text: shopperWithExpression(`"coalesce(limit_amount, 1)", digits: 2`),
    problems: ["22:42 constant-expression: average uses no feature, so that it is the same for all"],
  },
  {
    what: "edges of a bucket that do not grow",
    text: shopperWithExpression('"bucket(spend, -1, 10, 10.0, limit_amount, 999.99)"'),
    problems: [
      "22:64 bucket-edges: the edges of a bucket grow, and 10.0 is not above 10",
      "22:84 bucket-edges: the edges of a bucket grow, and 999.99 is not above 1000",
    ],
  },
  {
    what: "edges of a bucket that are not the same for all",
    text: shopperWithExpression('"bucket(spend, orders, 5 + 5, -orders)"'),
    problems: [
      "22:56 bucket-edges: an edge of a bucket is a number or a parameter",
      "22:66 bucket-edges: an edge of a bucket is a number or a parameter",
      "22:71 bucket-edges: an edge of a bucket is a number or a parameter",
    ],
  },
  {
    what: "an unknown edge of a bucket",
    text: shopperWithExpression('"bucket(spend, limt_amount)"'),
    problems: ["22:56 unknown-name: limt_amount is neither a feature nor a parameter → limit_amount"],
  },
  {
    what: "numbers of too many digits in a function",
    text: shopperWithExpression('"bucket(spend, 123456789012345678901, 0.1234567890123456789)"'),
    problems: [
      "22:56 number-size: a number has at most 20 digits before its point and 18 after it",
      "22:79 number-size: a number has at most 20 digits before its point and 18 after it",
    ],
  },
  {
    what: "half of a character",
    text: shopperWith({
      "limit_amount: 1000": 'limit_amount: 1000\n  name: "\\ud800"',
      "spend / orders, digits: 2": `"cross(orders, name, '\\udc00')"`,
    }),
    problems: [
      "19:9 text-characters: a text holds half of a character, a lone surrogate",
      "23:41 text-characters: a text holds half of a character, a lone surrogate",
    ],
  },
  {
    what: "an unused parameter",
    text: shopperWith({ "spend > limit_amount": "spend > 5" }),
    problems: ["18:3 unused-parameter: no expression uses limit_amount"],
  },
  {
    what: "a type error",
    text: `${SHOPPER}  odd: { kind: derived, expression: is_rich + 1 > -is_rich }\n  odder: { kind: derived, expression: is_rich = spend }\n`,
    problems: [
      "24:45 expression-type: + takes numbers, and is_rich is true or false",
      "24:51 expression-type: - takes a number, and this is true or false",
      "25:47 expression-type: = compares a boolean with a number",
    ],
  },
  {
    what: "a whole number that was rounded, crossed with another",
    text: shopperWithExpression('"coalesce(orders, 0)", digits: 0').concat(
      '  crossed: { kind: derived, expression: "cross(average, orders)" }\n',
    ),
    problems: [
      "24:48 expression-type: cross takes texts, whole numbers, and true or false, and this is a number that may have digits after its point",
    ],
  },
  {
    what: "a number in quotes",
    text: shopperWith({ "limit_amount: 1000": "limit_amount: '1000'" }),
    problems: ["23:47 expression-type: > takes numbers, and limit_amount is a text"],
  },
];

test("names that the stores and jobs use for something else are no features", () => {
  const names = [
    "window_start",
    "window_end",
    "event_timestamp",
    "created_timestamp",
    "batch_id",
    "is_deleted",
  ];
  for (const name of [...names, "window", "_row", "_newest"]) {
    const text = shopperWith({ "  orders: {": `  ${name}: {`, "spend / orders": "spend / 2" });
    expect(problemsOf(text), name).toEqual([expect.stringMatching(/^20:3 (reserved-name|wrong-name): /)]);
  }
});

test.each(cases)("rules: $what", ({ text, file, problems }) => {
  expect(problemsOf(text, file)).toEqual(problems);
});
