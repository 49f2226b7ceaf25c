import { Big } from "big.js";
import { describe, expect, test } from "vitest";
import type { Expression, FeatureType } from "../../../src/definition/feature-set.ts";
import { microsOfIso } from "../../../src/platform/instants.ts";
import {
  evaluate,
  nowDependent,
  onlineText,
  recencyInDays,
  rounded,
  valueOfText,
} from "../../../src/stores/values.ts";
import { customer } from "../verify/sets.ts";

const literal = (value: string): Expression => ({ op: "literal", value });
const of = (op: "+" | "-" | "*" | "/" | ">" | ">=" | "<" | "<=" | "=" | "!=", left: string, right: string) =>
  evaluate({ op, left: literal(left), right: literal(right) }, new Map());
const money: FeatureType = { kind: "decimal", digits: 2 };

describe("expressions", () => {
  test.each([
    ["0.1 + 0.2", of("+", "0.1", "0.2"), "0.3"],
    ["exact beyond a double", of("*", "99999999999999999999.99", "3"), "299999999999999999999.97"],
    ["a third to 18 digits", of("/", "1", "3"), "0.333333333333333333"],
    ["two thirds, half up", of("/", "2", "3"), "0.666666666666666667"],
    ["minus two thirds", of("/", "-2", "3"), "-0.666666666666666667"],
  ])("%s", (_, actual, expected) => {
    expect((actual as Big).toFixed()).toBe(expected);
  });

  test("null in, null out; division by zero is null", () => {
    const nothing: Expression = { op: "feature", name: "absent" };
    expect(of("/", "1", "0.00")).toBeNull();
    expect(evaluate({ op: "+", left: nothing, right: literal("1") }, new Map())).toBeNull();
    expect(evaluate({ op: ">", left: literal("1"), right: nothing }, new Map([["absent", null]]))).toBeNull();
  });

  test("comparisons are of values and not of digits", () => {
    expect(of("=", "1.0", "1.00")).toBe(true);
    expect(of("!=", "1.0", "1.00")).toBe(false);
    expect([of(">", "10", "9"), of(">=", "9", "9"), of("<", "10", "9"), of("<=", "9", "9.0")]).toEqual([
      true,
      true,
      false,
      true,
    ]);
  });
});

describe("rounding to the digits of a type", () => {
  test.each([
    ["2.345", "2.35"],
    ["2.3449999999", "2.34"],
    ["-2.345", "-2.35"],
    ["-0.001", "0.00"],
    ["1e21", "1000000000000000000000.00"],
    ["7", "7.00"],
  ])("%s is %s", (text, expected) => {
    expect(onlineText(rounded(Big(text), money), money)).toBe(expected);
  });

  test("integers are plain, booleans words, null absent", () => {
    expect(onlineText(Big("123456789012345678901234"), { kind: "bigint" })).toBe("123456789012345678901234");
    expect(onlineText(true, { kind: "boolean" })).toBe("true");
    expect(onlineText(null, money)).toBeNull();
  });

  test("text that is no value of the type", () => {
    expect(valueOfText("abc", money)).toBeUndefined();
    expect(valueOfText("1", { kind: "boolean" })).toBeUndefined();
    expect((valueOfText("1e2", money) as Big).eq(100)).toBe(true);
  });
});

describe("recency", () => {
  test.each([
    ["2026-01-31T23:59:59.999999Z", "2026-02-01T00:00:00Z", 1],
    ["2026-02-01T00:00:00Z", "2026-02-01T23:59:59Z", 0],
    ["2026-02-02T00:00:00Z", "2026-02-01T23:59:59Z", -1],
    ["1969-12-31T23:00:00Z", "1970-01-01T01:00:00Z", 1],
  ])("from %s to %s it is %i calendar days", (event, now, days) => {
    expect(recencyInDays(microsOfIso(event) as bigint, microsOfIso(now) as bigint).toNumber()).toBe(days);
  });

  test("what derives from it depends on now as well", () => {
    expect([...nowDependent(customer)]).toEqual(["days_since_last_order", "is_lapsed"]);
  });
});
