/** Expressions, last step: from what was written to what the jobs compute. Parameters become literals. */
import type { DraftParameter } from "../draft.ts";
import type { Expression } from "../feature-set.ts";
import type { SyntaxTree } from "./syntax-tree.ts";

type Parameters = ReadonlyMap<string, DraftParameter | undefined>;

export function expressionOf(tree: SyntaxTree, parameters: Parameters): Expression {
  switch (tree.kind) {
    case "number":
      return { op: "literal", value: plain(tree.text) };
    case "text":
      return { op: "text", value: tree.text };
    case "name": {
      const parameter = parameters.get(tree.name);
      if (parameter === undefined) return { op: "feature", name: tree.name };
      const { kind, text } = parameter;
      return kind === "text" ? { op: "text", value: text } : { op: "literal", value: plain(text) };
    }
    case "negative": {
      const operand = expressionOf(tree.operand, parameters);
      if (operand.op === "literal") return { op: "literal", value: negated(operand.value) };
      return { op: "-", left: { op: "literal", value: "0" }, right: operand };
    }
    case "binary":
      return {
        op: tree.operator,
        left: expressionOf(tree.left, parameters),
        right: expressionOf(tree.right, parameters),
      };
    case "call":
      return { op: tree.name, arguments: tree.arguments.map((value) => expressionOf(value, parameters)) };
  }
}

function negated(number: string): string {
  return plain(number.startsWith("-") ? number.slice(1) : `-${number}`);
}

/** As `cross` writes it: 007 is 7, and -0 is 0. */
function plain(number: string): string {
  const digits = number.replace(/^(-?)0+(?=[0-9])/, "$1");
  return /^-0(\.0*)?$/.test(digits) ? digits.slice(1) : digits;
}
