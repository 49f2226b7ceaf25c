/** An expression as it was written, with the place of each part in its text. */
import type { ExpressionFunction } from "../feature-set.ts";
import type { Operator } from "./tokens.ts";

export type SyntaxTree = { at: number } & (
  | { kind: "number"; text: string }
  /** `text` is without its quotes. */
  | { kind: "text"; text: string }
  | { kind: "name"; name: string }
  | { kind: "negative"; operand: SyntaxTree }
  | { kind: "binary"; operator: Operator; left: SyntaxTree; right: SyntaxTree }
  | { kind: "call"; name: ExpressionFunction; arguments: SyntaxTree[] }
);

/** The text is no expression; `at` is where it stops being one. */
export class ExpressionError extends Error {
  readonly at: number;
  readonly suggestion: string | undefined;
  readonly allowed: readonly string[];

  constructor(message: string, at: number, suggestion?: string, allowed: readonly string[] = []) {
    super(message);
    this.at = at;
    this.suggestion = suggestion;
    this.allowed = allowed;
  }
}

export function isComparison(operator: Operator): boolean {
  return !["+", "-", "*", "/"].includes(operator);
}

export function childrenOf(tree: SyntaxTree): SyntaxTree[] {
  switch (tree.kind) {
    case "negative":
      return [tree.operand];
    case "binary":
      return [tree.left, tree.right];
    case "call":
      return tree.arguments;
    default:
      return [];
  }
}

/** Every part of that kind, from left to right. */
export function partsOf<K extends SyntaxTree["kind"]>(
  tree: SyntaxTree,
  kind: K,
): Extract<SyntaxTree, { kind: K }>[] {
  const inside = childrenOf(tree).flatMap((child) => partsOf(child, kind));
  return tree.kind === kind ? [tree as Extract<SyntaxTree, { kind: K }>, ...inside] : inside;
}

/** Every name in the tree, from left to right. */
export function namesIn(tree: SyntaxTree): { name: string; at: number }[] {
  return partsOf(tree, "name");
}
