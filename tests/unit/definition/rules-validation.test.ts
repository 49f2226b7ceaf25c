import { expect, test } from "vitest";
import { parseDefinition } from "../../../src/definition/parse-definition.ts";
import { GUEST, problemsOf, SHOPPER } from "./shopper.ts";

const LINE = SHOPPER.split("\n").length + 1;
const shopper = (rule: string) => problemsOf(`${SHOPPER}validation:\n  r: ${rule}\n`);
const guest = (rule: string) => problemsOf(`${GUEST}validation:\n  r: ${rule}\n`, "guest.yaml");
const at = (column: number, problem: string) => [`${LINE}:${column} ${problem}`];

test.each([
  "{ check: not_null, feature: spend, severity: warn }",
  "{ check: range, feature: spend, min: -0.01, severity: quarantine }",
  "{ check: range, feature: orders, min: 1, max: 1, severity: fail }",
  "{ check: allowed_values, feature: is_rich, values: [true], severity: warn }",
  "{ check: allowed_values, feature: spend, values: [1, 1.5, 1.25], severity: warn }",
  "{ check: freshness, max_age: 2 days, severity: warn, description: Orders come every day }",
  "{ check: relation, expression: average <= spend, severity: warn }",
  "{ check: relation, expression: spend > limit_amount * 0, severity: warn }",
  "{ check: outlier, feature: spend, method: quantiles, threshold: 3, min_history: 10, severity: warn }",
  "{ check: sudden_change, feature: spend, max_factor: 1.5, severity: warn }",
])("%s is right", (rule) => {
  expect(shopper(rule)).toEqual([]);
});

test("texts have patterns and allowed values", () => {
  expect(
    guest("{ check: pattern, feature: room_now, pattern: '[A-Z][0-9]+(?:-[a-z])?', severity: warn }"),
  ).toEqual([]);
  expect(guest("{ check: allowed_values, feature: room_now, values: ['1', a], severity: warn }")).toEqual([]);
  expect(guest("{ check: allowed_values, feature: room_now, values: [1], severity: warn }")).toEqual([
    expect.stringContaining('allowed-values: room_now is a text, and 1 is none: write "1"'),
  ]);
});

test.each([
  [
    "{ check: range, feature: spent, min: 1, severity: warn }",
    31,
    "validated-feature: spent is not among features → spend",
  ],
  [
    "{ check: range, feature: is_rich, min: 1, severity: warn }",
    31,
    "validated-type: range takes numbers, and is_rich is a boolean",
  ],
  [
    "{ check: pattern, feature: spend, pattern: a, severity: warn }",
    33,
    "validated-type: pattern takes a text, and spend is a number",
  ],
  ["{ check: range, feature: spend, severity: warn }", 3, "validated-limits: a range has min, max or both"],
  [
    "{ check: range, feature: spend, min: 2, max: 1, severity: warn }",
    51,
    "validated-limits: max, 1, is below min, 2",
  ],
  [
    "{ check: range, feature: spend, min: 1e3, severity: warn }",
    43,
    "validated-limits: 1e3 must be written in plain digits, at most 20 before the point and 18 after it",
  ],
  [
    "{ check: sudden_change, feature: spend, severity: warn }",
    3,
    "validated-limits: a sudden_change has max_change, max_factor or both",
  ],
  [
    "{ check: freshness, max_age: 40000 days, severity: warn }",
    35,
    "validated-limits: 40000 days is longer than a hundred years, 36500 days",
  ],
  [
    "{ check: allowed_values, feature: spend, values: [1.255], severity: warn }",
    56,
    "allowed-values: spend is a number of 2 digits after the point, and never 1.255",
  ],
  [
    "{ check: relation, expression: spend, severity: warn }",
    37,
    "relation-type: a relation is true or false, and this is a number: compare it, as in a <= b",
  ],
  [
    "{ check: relation, expression: spent > 1, severity: warn }",
    37,
    "relation-names: spent is neither a feature nor a parameter → spend",
  ],
  [
    "{ check: relation, expression: limit_amount > 1, severity: warn }",
    37,
    "relation-type: it uses no feature, so that it is the same for all",
  ],
  [
    "{ check: relation, expression: spend >, severity: warn }",
    44,
    "relation-syntax: a feature, a parameter, a number or a text is missing here",
  ],
  [
    "{ check: rnge, feature: spend, min: 1, severity: warn }",
    15,
    'wrong-value: "check" cannot be "rnge" → range',
  ],
  [
    "{ check: range, feature: spend, min: 1, severity: stop }",
    56,
    'wrong-value: "severity" cannot be "stop"',
  ],
  ["{ check: range, feature: spend, min: 1 }", 3, 'missing-key: "severity" is missing'],
  [
    "{ check: outlier, feature: spend, method: quantiles, threshold: -1, severity: warn }",
    70,
    'wrong-value: "threshold" must be at least 0',
  ],
])("%s", (rule, column, problem) => {
  expect(shopper(rule)).toEqual(at(column, problem));
});

test.each([
  ["(", "it is no regular expression"],
  ["\\p{L}", "a pattern has no \\p{…}: write the characters, as in [A-Za-z]"],
  ["(?<a>b)", "a pattern has no named groups, lookbehind and flags: (…), (?:…), (?=…) and (?!…) are there"],
  ["(a)\\1", "a pattern has no references to groups"],
  ["a++", "a pattern has no possessive quantifiers"],
])("pattern %s", (pattern, problem) => {
  expect(guest(`{ check: pattern, feature: room_now, pattern: '${pattern}', severity: warn }`)).toEqual([
    expect.stringContaining(`validated-pattern: ${problem}`),
  ]);
});

test("limits are kept as they were written, and allowed values as the online store writes them", () => {
  const rules = `validation:
  a: { check: range, feature: spend, min: 0.10, max: 12345678901234567890.5, severity: fail }
  b: { check: allowed_values, feature: spend, values: [1, 2.5], severity: warn }
  c: { check: outlier, feature: spend, method: robust_z_score, threshold: 3.5, severity: warn }
`;
  expect(parseDefinition(SHOPPER + rules, "shopper.yaml").featureSet?.validation).toEqual([
    {
      name: "a",
      description: "",
      severity: "fail",
      check: "range",
      feature: "spend",
      min: "0.10",
      max: "12345678901234567890.5",
    },
    {
      name: "b",
      description: "",
      severity: "warn",
      check: "allowed_values",
      feature: "spend",
      values: ["1.00", "2.50"],
    },
    {
      name: "c",
      description: "",
      severity: "warn",
      check: "outlier",
      feature: "spend",
      method: "robust_z_score",
      threshold: 3.5,
      minHistory: 100,
    },
  ]);
});

test("objectives and drift are checked, and drift has its usual thresholds", () => {
  const watched = (text: string) => parseDefinition(`${SHOPPER}${text}\n`, "shopper.yaml");
  const { featureSet } = watched(
    "slos: { freshness_p99: 5 seconds, dead_letter_share: 0.01 }\ndrift: { windows: all, current: 1 day }",
  );
  expect(featureSet?.slos).toEqual({ freshnessP99Ms: 5_000, deadLetterShare: 0.01 });
  expect(featureSet?.drift).toMatchObject({ currentMs: 86_400_000, referenceMs: 2_419_200_000, maxPsi: 0.2 });
  expect(featureSet?.drift.features).toEqual(["orders", "spend", "average", "is_rich"]);
  const days = (count: number) => count * 86_400_000;
  expect(watched("").featureSet?.drift).toMatchObject({
    ...{ windows: "finished", currentMs: days(30), referenceMs: days(120) },
  });
  expect(
    parseDefinition(SHOPPER.replace(/length: .*/, "length: 1 day"), "shopper.yaml").featureSet?.drift,
  ).toMatchObject({ windows: "finished", currentMs: days(7), referenceMs: days(28) });
  expect(parseDefinition(GUEST, "guest.yaml").featureSet?.drift).toMatchObject({
    ...{ windows: "all", currentMs: days(7), referenceMs: days(28) },
  });
  const guestOf = parseDefinition(`${GUEST}drift: { windows: finished }\n`, "guest.yaml").diagnostics;
  expect(guestOf.map(({ rule }) => rule)).toEqual(["drift-windows"]);
  const lapsed = SHOPPER.replace(
    "  average:",
    "  days: { kind: behavioural, measure: recency, unit: days }\n  is_lapsed: { kind: derived, expression: days > 5 }\n  average:",
  );
  expect(parseDefinition(lapsed, "shopper.yaml").featureSet?.drift.features).toEqual([
    "orders",
    "spend",
    "average",
    "is_rich",
  ]);
  const problems = (text: string) =>
    watched(text).diagnostics.map(({ rule, message }) => `${rule}: ${message}`);
  expect(problems("slos: { lag: 0 seconds }")).toEqual(["watched-times: lag is longer than nothing"]);
  expect(problems("drift: { features: [spent] }")).toEqual(["drift-features: spent is not among features"]);
  expect(problems("drift: { windows: finished, current: 6 hours }")).toEqual([
    expect.stringMatching(/^drift-windows: a window ends every .*, and often none in 6 hours/),
  ]);
  expect(problems("drift: { reference: 6 hours }")).toEqual([
    expect.stringContaining("often none in 6 hours"),
  ]);
  expect(problems("drift: { windows: all, current: 6 hours }")).toEqual([]);
  expect(problems("drift: { max_ks: 2 }")).toEqual(['wrong-value: "max_ks" must be at most 1']);
});

test.each([
  ["check: not_null, severity: warn", []],
  ["check: not_null, severity: quarantine", ["a rule whose severity is quarantine holds rows back before"]],
  ["check: not_null, severity: fail", ["a rule whose severity is fail holds rows back before"]],
  [
    "check: outlier, method: quantiles, threshold: 3, severity: warn",
    ["outlier compares with what the stores held"],
  ],
  [
    "check: sudden_change, max_factor: 3, severity: warn",
    ["sudden_change compares with what the stores held"],
  ],
])("in real-time mode a rule that is %s", (rule, problems) => {
  const text = `${SHOPPER}mode: realtime\nvalidation:\n  r: { feature: spend, ${rule} }\n`;
  expect(problemsOf(text)).toEqual(
    problems.map((problem) => expect.stringContaining(`realtime: ${problem}`)),
  );
});

test("a parameter that only a rule uses is used", () => {
  const text = SHOPPER.replace("  limit_amount: 1000", "  limit_amount: 1000\n  most: 5");
  const rule = "validation:\n  r: { check: relation, expression: orders < most, severity: warn }\n";
  expect(problemsOf(text + rule)).toEqual([]);
  expect(problemsOf(text)).toEqual([expect.stringContaining("unused-parameter")]);
});

test("a batch has a schedule, and nothing else has", () => {
  const modes = (text: string) => parseDefinition(`${SHOPPER}${text}\n`, "shopper.yaml");
  expect(modes("mode: batch\nschedule: 6 hours").featureSet).toMatchObject({
    mode: "micro-batch",
    scheduleMs: 21_600_000,
  });
  expect(modes("mode: realtime").featureSet?.scheduleMs).toBeNull();
  const problems = (text: string) =>
    modes(text).diagnostics.map(({ rule, message }) => `${rule}: ${message}`);
  expect(problems("mode: batch")).toEqual([
    "schedule: a set in batch mode says how often it is computed, as in schedule: 1 day",
  ]);
  expect(problems("schedule: 1 day")).toEqual([
    "schedule: a schedule is for mode: batch; in the others changes are computed as they come",
  ]);
  expect(problems("mode: batch\nschedule: 30 seconds")).toEqual([
    "schedule: 30 seconds is not from 1 minute to 36500 days",
  ]);
});
