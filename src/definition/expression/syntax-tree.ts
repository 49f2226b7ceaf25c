/** An expression as it was written, with the place of each part in its text. */
import type { Operator } from "./tokens.ts";

export type SyntaxTree = { at: number } & (
  | { kind: "number"; text: string }
  | { kind: "name"; name: string }
  | { kind: "negative"; operand: SyntaxTree }
  | { kind: "binary"; operator: Operator; left: SyntaxTree; right: SyntaxTree }
);

/** The text is no expression; `at` is where it stops being one. */
export class ExpressionError extends Error {
  readonly at: number;
  readonly suggestion: string | undefined;

  constructor(message: string, at: number, suggestion?: string) {
    super(message);
    this.at = at;
    this.suggestion = suggestion;
  }
}

export function isComparison(operator: Operator): boolean {
  return !["+", "-", "*", "/"].includes(operator);
}

/** Every name in the tree, from left to right. */
export function namesIn(tree: SyntaxTree): { name: string; at: number }[] {
  switch (tree.kind) {
    case "number":
      return [];
    case "name":
      return [{ name: tree.name, at: tree.at }];
    case "negative":
      return namesIn(tree.operand);
    case "binary":
      return [...namesIn(tree.left), ...namesIn(tree.right)];
  }
}
