/** Expressions, third step: whether their parts go together. */
import { isComparison, type SyntaxTree } from "./syntax-tree.ts";

export type ValueType = "number" | "boolean";

export interface TypeProblem {
  at: number;
  message: string;
}

/**
 * The type of an expression. A name of unknown type (its own definition has a problem) goes with everything, so
 * that one mistake is told once.
 */
export function typeOf(
  tree: SyntaxTree,
  types: ReadonlyMap<string, ValueType | undefined>,
  problems: TypeProblem[] = [],
): ValueType | undefined {
  if (tree.kind === "number") return "number";
  if (tree.kind === "name") return types.get(tree.name);
  if (tree.kind === "negative") {
    if (typeOf(tree.operand, types, problems) === "boolean") {
      problems.push({ at: tree.at, message: "- takes a number, and this is true or false" });
    }
    return "number";
  }
  const left = typeOf(tree.left, types, problems);
  const right = typeOf(tree.right, types, problems);
  const isEquality = tree.operator === "=" || tree.operator === "!=";
  if (isEquality && left && right && left !== right) {
    problems.push({ at: tree.at, message: `${tree.operator} compares a ${left} with a ${right}` });
  }
  if (!isEquality && (left === "boolean" || right === "boolean")) {
    problems.push({
      at: tree.at,
      message: `${tree.operator} takes numbers, and a side of it is true or false`,
    });
  }
  return isComparison(tree.operator) ? "boolean" : "number";
}
