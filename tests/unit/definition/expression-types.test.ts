import { describe, expect, test } from "vitest";
import { parseExpression } from "../../../src/definition/expression/parse.ts";
import { type TypeProblem, typeOf, type ValueType } from "../../../src/definition/expression/types.ts";

const types = new Map<string, ValueType | undefined>([
  ["spend", "number"],
  ["orders", "integer"],
  ["is_rich", "boolean"],
  ["segment", "text"],
  ["born", "date"],
  ["seen", "timestamp"],
  ["broken", undefined],
]);

function check(text: string): { type: ValueType | undefined; problems: TypeProblem[] } {
  const problems: TypeProblem[] = [];
  return { type: typeOf(parseExpression(text), types, problems), problems };
}

describe("the type of", () => {
  test.each([
    ["5", "integer"],
    ["5.0", "number"],
    ["-5", "integer"],
    ["-orders", "number"],
    ["orders", "integer"],
    ["orders + 1", "number"],
    ["spend / 2", "number"],
    ["'gold'", "text"],
    ["spend > 2", "boolean"],
    ["segment = 'gold'", "boolean"],
    ["is_rich != (spend > 2)", "boolean"],
    ["orders = spend", "boolean"],
    ["coalesce(orders, 0)", "integer"],
    ["coalesce(orders, 0.5)", "number"],
    ["coalesce(spend, 0)", "number"],
    ["coalesce(segment, 'none')", "text"],
    ["coalesce(is_rich, spend > 1)", "boolean"],
    ["coalesce(broken, segment)", "text"],
    ["coalesce(broken, broken)", undefined],
    ["ratio(spend, orders)", "number"],
    ["ratio(spend, orders, -1)", "number"],
    ["bucket(spend, 1, 2)", "integer"],
    ["cross(segment, orders, is_rich)", "text"],
    ["cross(bucket(spend, 1), coalesce(orders, 0), 7)", "text"],
    ["cross(broken, broken)", "text"],
    ["broken + 1", "number"],
    ["broken = segment", "boolean"],
  ])("%s is %s", (text, type) => {
    expect(check(text)).toEqual({ type, problems: [] });
  });
});

describe("refused:", () => {
  test.each([
    ["segment + 1", 8, "+ takes numbers, and segment is a text"],
    ["1 + 'a'", 2, "+ takes numbers, and a side of it is a text"],
    ["is_rich > 1", 8, "> takes numbers, and is_rich is true or false"],
    ["segment < segment", 8, "< takes numbers, and segment is a text"],
    ["-segment", 0, "- takes a number, and this is a text"],
    ["segment = 5", 8, "= compares a text with a number"],
    ["is_rich != 'true'", 8, "!= compares a boolean with a text"],
    ["born = born", 0, "born is a date, which cannot be used in expressions"],
    ["seen", 0, "seen is a timestamp, which cannot be used in expressions"],
    ["coalesce(born, 0)", 9, "born is a date, which cannot be used in expressions"],
    [
      "coalesce(spend, 'none')",
      16,
      "coalesce takes values of one type, the first is a number, and this is a text",
    ],
    [
      "coalesce(broken, 'none', 0)",
      25,
      "coalesce takes values of one type, the first is a text, and this is a number",
    ],
    ["ratio(segment, 1)", 6, "ratio takes numbers, and this is a text"],
    ["ratio(1, spend, is_rich)", 16, "ratio takes numbers, and this is true or false"],
    ["bucket(segment, 1)", 7, "bucket takes numbers, and this is a text"],
    ["bucket(spend, '1')", 14, "bucket takes numbers, and this is a text"],
    [
      "cross(segment, spend)",
      15,
      "cross takes texts, whole numbers, and true or false, and this is a number that may have digits after its point",
    ],
    [
      "cross(segment, orders * 2)",
      22,
      "cross takes texts, whole numbers, and true or false, and this is a number that may have digits after its point",
    ],
  ])("%s", (text, at, message) => {
    const { problems } = check(text);
    expect(problems[0]).toEqual({ at, message });
  });

  test("each mistake once", () => {
    expect(check("born + 1").problems).toHaveLength(1);
    expect(check("bucket(coalesce(seen, 1), 1)").problems).toHaveLength(1);
    expect(check("-(segment + 1) > ratio('a', 'b')").problems).toHaveLength(3);
  });
});
