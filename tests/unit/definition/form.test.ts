import { expect, test } from "vitest";
import { problemsOf, SHOPPER, shopperWith } from "./shopper.ts";

const cases = [
  {
    what: "an unknown key at the top",
    text: shopperWith({ "watermark:": "watermrk:" }),
    problems: [
      '1:1 missing-key: "watermark" is missing',
      '16:1 unknown-key: a feature set has no "watermrk" → watermark',
    ],
  },
  {
    what: "a missing key",
    text: shopperWith({ "  primary_key: order_id\n": "" }),
    problems: ['4:1 missing-key: "primary_key" is missing'],
  },
  {
    what: "a missing section",
    text: shopperWith({ "window:\n  type: tumbling\n  length: 30 days\n": "" }),
    problems: [
      "1:1 window-or-windows: a feature set needs window for its only window, or windows for several, each under its name",
    ],
  },
  {
    what: "text instead of a mapping",
    text: shopperWith({ "window:\n  type: tumbling\n  length: 30 days\n": "window: 30 days\n" }),
    problems: ['13:9 wrong-value: "window" must be a mapping, not "30 days"'],
  },
  {
    what: "an empty value",
    text: shopperWith({ "description: Orders of a shopper": "description:" }),
    problems: ['2:13 wrong-value: "description" must be text, not null'],
  },
  {
    what: "an empty text",
    text: shopperWith({ "description: Orders of a shopper": "description: ' '" }),
    problems: ['2:14 wrong-value: "description" is empty'],
  },
  {
    what: "an unknown kind of window",
    text: shopperWith({ tumbling: "tumbled" }),
    problems: ['14:9 wrong-value: "type" cannot be "tumbled"'],
  },
  {
    what: "an unknown kind of feature",
    text: shopperWith({ "{ kind: aggregated, aggregate: count }": "{ kind: agregated, aggregate: count }" }),
    problems: ['20:19 wrong-value: "kind" cannot be "agregated" → aggregated'],
  },
  {
    what: "a mistyped kind, and what else is wrong with its feature",
    text: shopperWith({
      "kind: derived, expression: spend / orders, digits: 2":
        "kind: derivd, expression: spnd / orders, digts: 2",
    }),
    problems: [
      '22:20 wrong-value: "kind" cannot be "derivd" → derived',
      "22:40 unknown-name: spnd is neither a feature nor a parameter → spend",
      '22:55 unknown-key: a derived feature has no "digts" → digits',
    ],
  },
  {
    what: "a mistyped kind and aggregate, and an unknown column",
    text: shopperWith({
      "kind: aggregated, aggregate: sum, column: amount": "kind: agregated, aggregate: summ, column: amont",
    }),
    problems: [
      '21:18 wrong-value: "kind" cannot be "agregated" → aggregated',
      '21:40 wrong-value: "aggregate" cannot be "summ" → sum',
      "21:54 unknown-column: amont is not among source.columns → amount",
    ],
  },
  {
    what: "a feature without a kind",
    text: shopperWith({ "{ kind: aggregated, aggregate: count }": "{ aggregate: count }" }),
    problems: ['20:3 missing-key: "kind" is missing'],
  },
  {
    what: "an unknown aggregate",
    text: shopperWith({ "aggregate: sum": "aggregate: summ" }),
    problems: ['21:41 wrong-value: "aggregate" cannot be "summ" → sum'],
  },
  {
    what: "a count of a column",
    text: shopperWith({ "aggregate: count": "aggregate: count, column: order_id" }),
    problems: ['20:49 unknown-key: a count of rows has no "column"'],
  },
  {
    what: "a sum of nothing",
    text: shopperWith({ "aggregate: sum, column: amount": "aggregate: sum" }),
    problems: ['21:3 missing-key: "column" is missing'],
  },
  {
    what: "a measure that there is not",
    text: `${SHOPPER}  last: { kind: behavioural, measure: recensy, unit: hours }\n`,
    problems: [
      '24:39 wrong-value: "measure" cannot be "recensy" → recency',
      '24:54 wrong-value: "unit" cannot be "hours"',
    ],
  },
  {
    what: "a window of a mistyped type, and what else is wrong with it",
    text: shopperWith({
      "type: tumbling\n  length: 30 days": "type: sesion\n  gap: 30 minuts\n  slide: 1 day",
    }),
    problems: [
      '14:9 wrong-value: "type" cannot be "sesion" → session',
      '15:8 wrong-value: "30 minuts" is not a duration → 30 minutes',
      '16:3 unknown-key: a session window has no "slide"',
    ],
  },
  {
    what: "a named window of a mistyped type",
    text: shopperWith({
      "window:\n  type: tumbling\n  length: 30 days": "windows:\n  30d: { type: roling, lenght: 30 days }",
    }),
    problems: [
      '14:3 missing-key: "length" is missing',
      '14:16 wrong-value: "type" cannot be "roling" → rolling',
      '14:24 unknown-key: a rolling window has no "lenght" → length',
    ],
  },
  {
    what: "times that a window does not have, and one that it needs",
    text: shopperWith({ "type: tumbling": "type: sliding\n  gap: 1 day\n  granularity: 1 day" }),
    problems: [
      '13:1 missing-key: "slide" is missing',
      '15:3 unknown-key: a sliding window has no "gap"',
      '16:3 unknown-key: a sliding window has no "granularity"',
    ],
  },
  {
    what: "an unbounded window of a length",
    text: shopperWith({ "type: tumbling": "type: unbounded" }),
    problems: ['15:3 unknown-key: an unbounded window has no "length"'],
  },
  {
    what: "an average without digits",
    text: shopperWith({ "aggregate: sum": "aggregate: avg" }),
    problems: ['21:3 missing-key: "digits" is missing'],
  },
  {
    what: "a sum with digits",
    text: shopperWith({ "column: amount": "column: amount, digits: 2" }),
    problems: ['21:62 unknown-key: an aggregate of a column has no "digits"'],
  },
  {
    what: "a frequency by months, and a velocity by days",
    text: `${SHOPPER}  often: { kind: behavioural, measure: frequency, unit: month }\n  fast: { kind: behavioural, measure: velocity, unit: days }\n`,
    problems: [
      '24:57 wrong-value: "unit" cannot be "month"',
      "25:39 velocity-window: a velocity compares with the interval just before, which a tumbling window does not have",
      '25:49 unknown-key: a velocity has no "unit"',
    ],
  },
  {
    what: "a derived feature over a window",
    text: shopperWith({ "digits: 2": "digits: 2, window: 1h" }),
    problems: ['22:68 unknown-key: a derived feature has no "window"'],
  },
  {
    what: "options of a source that are mistyped",
    text: shopperWith({
      "  primary_key":
        "  append_only: yes\n  format: flatened\n  replica_identity: nothing\n  immutable: [7]\n  primary_key",
    }),
    problems: [
      '6:16 wrong-value: "append_only" must be true or false, not "yes"',
      '7:11 wrong-value: "format" cannot be "flatened" → flattened',
      '8:21 wrong-value: "replica_identity" cannot be "nothing"',
      "9:15 wrong-value: 7 cannot be the name of a column",
    ],
  },
  {
    what: "a share of dead letters in percent",
    text: shopperWith({ "watermark:": "dead_letters: { max_share: 20 }\nwatermark:" }),
    problems: ['16:28 wrong-value: "max_share" must be at most 1'],
  },
  {
    what: "digits that are no whole number",
    text: shopperWith({ "digits: 2": "digits: 2.5" }),
    problems: ['22:65 wrong-value: "digits" must be a whole number, not 2.5'],
  },
  {
    what: "too many digits",
    text: shopperWith({ "digits: 2": "digits: 19" }),
    problems: ['22:65 wrong-value: "digits" must be at most 18'],
  },
  {
    what: "a table without its schema",
    text: shopperWith({ "public.orders": "orders" }),
    problems: ['5:10 wrong-value: table "orders" needs its schema in front → public.orders'],
  },
  {
    what: "a table Debezium would rename",
    text: shopperWith({ "public.orders": "public.my orders" }),
    problems: ['5:10 wrong-value: "public.my orders" is not a table'],
  },
  {
    what: "a name with capitals",
    text: shopperWith({ "name: shopper": "name: MyShopper" }),
    problems: ['1:7 wrong-value: "MyShopper" cannot be a name → my_shopper'],
  },
  {
    what: "a feature that begins with an underscore",
    text: shopperWith({ "  orders: {": "  _orders: {", "spend / orders": "spend / 2" }),
    problems: [
      '20:3 wrong-name: names that begin with _ are reserved for the stores\' own fields: "_orders" → orders',
    ],
  },
  {
    what: "a column with a space",
    text: shopperWith({ "    amount: d": "    the amount: bigint\n    amount: d" }),
    problems: ['11:5 wrong-name: "the amount" cannot be the name of a column'],
  },
  {
    what: "a duration without a unit",
    text: shopperWith({ "1 hour": "3600" }),
    problems: ["16:12 wrong-value: 3600 is not a duration"],
  },
  {
    what: "a duration in months",
    text: shopperWith({ "30 days": "1 month" }),
    problems: ["15:11 wrong-value: 1 month has no fixed length; write it in days"],
  },
  {
    what: "a negative duration",
    text: shopperWith({ "  length: 30 days": "  length: 30 days\n  retention: -1 day" }),
    problems: ["16:14 wrong-value: a duration is never negative: -1 day"],
  },
  {
    what: "a misspelt unit",
    text: shopperWith({ "1 hour": "2 huors" }),
    problems: ['16:12 wrong-value: "2 huors" is not a duration → 2 hours'],
  },
  {
    what: "a duration as other tools write it",
    text: shopperWith({ "30 days": "30d", "1 hour": "90min" }),
    problems: [
      '15:11 wrong-value: "30d" is not a duration → 30 days',
      '16:12 wrong-value: "90min" is not a duration → 90 minutes',
    ],
  },
  {
    what: "a unit that may be minutes or months",
    text: shopperWith({ "1 hour": "3M" }),
    problems: ['16:12 wrong-value: "3M" is not a duration'],
  },
  {
    what: "a decimal with spaces in it",
    text: shopperWith({ "    amount: decimal(12,2)": "    amount: decimal( 12 , 2 )" }),
    problems: ['11:13 wrong-value: "decimal( 12 , 2 )" is not a column type → decimal(12,2)'],
  },
  {
    what: "a Postgres type",
    text: shopperWith({ "    amount: decimal(12,2)": "    amount: numeric(10,4)" }),
    problems: ['11:13 wrong-value: "numeric(10,4)" is not a column type → decimal(10,4)'],
  },
  {
    what: "a decimal without its size",
    text: shopperWith({ "    amount: decimal(12,2)": "    amount: decimal" }),
    problems: ['11:13 wrong-value: "decimal" is not a column type → decimal(12,2)'],
  },
  {
    what: "a misspelt type",
    text: shopperWith({ "created_at: timestamp\nwindow": "created_at: timestmap\nwindow" }),
    problems: ['12:17 wrong-value: "timestmap" is not a column type → timestamp'],
  },
  {
    what: "a decimal cut at its comma",
    text: shopperWith({ "amount: decimal(12,2)": "amount: { type: decimal(12,2), encoding: precise }" }),
    problems: [
      '11:21 wrong-value: between { and } a comma ends a value; write the type in quotes, as in "decimal(12,2)"',
    ],
  },
  {
    what: "a key that only looks like the rest of a decimal",
    text: shopperWith({ "amount: decimal(12,2)": 'amount: { type: "decimal(12,2)", 2): }' }),
    problems: ['11:38 unknown-key: a column has no "2)"'],
  },
  {
    what: "an unknown hint of a column",
    text: shopperWith({ "amount: decimal(12,2)": 'amount: { type: "decimal(12,2)", encodng: precise }' }),
    problems: ['11:38 unknown-key: a column has no "encodng" → encoding'],
  },
  {
    what: "a column without a type",
    text: shopperWith({ "amount: decimal(12,2)": "amount: [decimal]" }),
    problems: ["11:13 wrong-value: a column needs a type"],
  },
  {
    what: "a parameter that is neither a number nor a text",
    text: shopperWith({ "limit_amount: 1000": "limit_amount: true" }),
    problems: ["18:17 wrong-value: a parameter is a number or a text"],
  },
  {
    what: "a parameter without bounds",
    text: shopperWith({ "limit_amount: 1000": "limit_amount: .inf" }),
    problems: ["18:17 wrong-value: a parameter is a number or a text"],
  },
  {
    what: "a parameter of a very long text",
    text: shopperWith({ "limit_amount: 1000": `limit_amount: ${"a".repeat(501)}` }),
    problems: [
      "18:17 wrong-value: a parameter's text has at most 500 characters",
      "23:47 expression-type: > takes numbers, and limit_amount is a text",
    ],
  },
];

test.each(cases)("form: $what", ({ text, problems }) => {
  expect(problemsOf(text)).toEqual(problems);
});
