import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { expressionOf } from "../../../src/definition/expression/lower.ts";
import { parseExpression } from "../../../src/definition/expression/parse.ts";
import type { SyntaxTree } from "../../../src/definition/expression/syntax-tree.ts";
import { ExpressionError } from "../../../src/definition/expression/syntax-tree.ts";
import { parseDefinition } from "../../../src/definition/parse-definition.ts";
import { shopperWithExpression } from "./shopper.ts";

describe("precedence", () => {
  test.each([
    ["a - b - c", "((a - b) - c)"],
    ["a + b * c", "(a + (b * c))"],
    ["a / b * c", "((a / b) * c)"],
    ["(a + b) * c", "((a + b) * c)"],
    ["-a * b", "(-a * b)"],
    ["- -a", "--a"],
    ["-(a + b)", "-(a + b)"],
    ["a-1", "(a - 1)"],
    ["a + b > c * 2", "((a + b) > (c * 2))"],
    ["(a > b) = (c != d)", "((a > b) = (c != d))"],
    [" a\n <= 0.50\t", "(a <= 0.50)"],
    ["ratio( a,b , -1)*2", "(ratio(a, b, -1) * 2)"],
    ["bucket(a + b, 10, 20) >= 1", "(bucket((a + b), 10, 20) >= 1)"],
    ["cross(coalesce(a, 'x, (y)'), b)", "cross(coalesce(a, 'x, (y)'), b)"],
    ["a = 'it''s' ", "(a = 'it''s')"],
    ["''", "''"],
    ["ratio / coalesce", "(ratio / coalesce)"],
  ])("%s", (text, bracketed) => {
    expect(print(parseExpression(text))).toBe(bracketed);
  });
});

test("every tree comes back from its printed form", () => {
  fc.assert(
    fc.property(tree, (tree) => {
      expect(shape(parseExpression(print(tree)))).toEqual(shape(tree));
    }),
  );
});

test("any text is parsed or refused with a place inside it", () => {
  const text = fc.string({ unit: fc.constantFrom(..."ab1.<>=!+-*/(), '%\n") });
  fc.assert(
    fc.property(text, (text) => {
      try {
        parseExpression(text);
      } catch (error) {
        expect(error).toBeInstanceOf(ExpressionError);
        const { at } = error as ExpressionError;
        expect(at >= 0 && at <= text.length).toBe(true);
      }
    }),
  );
});

test("nesting has a limit", () => {
  const sum = (terms: number) => Array.from({ length: terms }, () => "a").join(" + ");
  expect(print(parseExpression(sum(50)))).toContain("a + a");
  expect(() => parseExpression(sum(51))).toThrow("more than 50 levels deep");
});

test("parameters become literals, a negative number is one, and minus of anything else is taken from 0", () => {
  const text = shopperWithExpression("-limit_amount * -2.50 + -spend, digits: 2").replace(
    "> limit_amount",
    "> 1",
  );
  const { featureSet } = parseDefinition(text, "shopper.yaml");
  expect(featureSet?.features.find(({ name }) => name === "average")).toMatchObject({
    expression: {
      op: "+",
      left: { op: "*", left: { op: "literal", value: "-1000" }, right: { op: "literal", value: "-2.50" } },
      right: { op: "-", left: { op: "literal", value: "0" }, right: { op: "feature", name: "spend" } },
    },
  });
});

test.each([
  ["007", "7"],
  ["-0.50", "-0.50"],
  ["00.5", "0.5"],
  ["-0", "0"],
  ["-00.00", "0.00"],
  ["- -1", "1"],
  ["-(-1)", "1"],
])("the number %s is %s", (text, value) => {
  expect(expressionOf(parseExpression(text), new Map())).toEqual({ op: "literal", value });
});

test("parameters are put in by what they are", () => {
  const parameters = new Map([
    ["limit", { kind: "number", text: "-07.5" }],
    ["vip", { kind: "text", text: "007" }],
  ] as const);
  expect(expressionOf(parseExpression("cross(vip, 'x') = ratio(-limit, a)"), parameters)).toEqual({
    op: "=",
    left: {
      op: "cross",
      arguments: [
        { op: "text", value: "007" },
        { op: "text", value: "x" },
      ],
    },
    right: {
      op: "ratio",
      arguments: [
        { op: "literal", value: "7.5" },
        { op: "feature", name: "a" },
      ],
    },
  });
});

const operator = fc.constantFrom("+", "-", "*", "/", ">", ">=", "<", "<=", "=", "!=");

const { tree } = fc.letrec<{ tree: SyntaxTree }>((tie) => ({
  tree: fc.oneof(
    { maxDepth: 5 },
    fc.constantFrom("0", "12", "0.5", "1000.00").map((text): SyntaxTree => ({ kind: "number", text, at: 0 })),
    fc.constantFrom("a", "spend_30d", "_x").map((name): SyntaxTree => ({ kind: "name", name, at: 0 })),
    fc.string().map((text): SyntaxTree => ({ kind: "text", text, at: 0 })),
    tie("tree").map((operand): SyntaxTree => ({ kind: "negative", operand, at: 0 })),
    fc
      .tuple(operator, tie("tree"), tie("tree"))
      .map(([operator, left, right]) => ({ kind: "binary", operator, left, right, at: 0 }) as SyntaxTree),
    fc
      .tuple(
        fc.constantFrom("coalesce", "ratio", "bucket", "cross"),
        fc.array(tie("tree"), { minLength: 2, maxLength: 3 }),
      )
      .map(([name, values]) => ({ kind: "call", name, arguments: values, at: 0 }) as SyntaxTree),
  ),
}));

/** With brackets around each operation of two sides. */
function print(tree: SyntaxTree): string {
  switch (tree.kind) {
    case "number":
      return tree.text;
    case "text":
      return `'${tree.text.replaceAll("'", "''")}'`;
    case "name":
      return tree.name;
    case "negative":
      return `-${print(tree.operand)}`;
    case "binary":
      return `(${print(tree.left)} ${tree.operator} ${print(tree.right)})`;
    case "call":
      return `${tree.name}(${tree.arguments.map(print).join(", ")})`;
  }
}

/** Without the places. */
function shape(tree: SyntaxTree): unknown {
  return JSON.parse(JSON.stringify(tree, (key, value) => (key === "at" ? undefined : value)));
}
