/** Expressions, third step: whether their parts go together. */
import { isComparison, type SyntaxTree } from "./syntax-tree.ts";

/** An `integer` is a number that is known to be whole. */
export type ValueType = "number" | "integer" | "boolean" | "text" | "date" | "timestamp";

export interface TypeProblem {
  at: number;
  message: string;
}

type Types = ReadonlyMap<string, ValueType | undefined>;

const PHRASES: Record<ValueType, string> = {
  number: "a number",
  integer: "a number",
  boolean: "true or false",
  text: "a text",
  date: "a date",
  timestamp: "a timestamp",
};

/**
 * The type of an expression. A name of unknown type (its own definition has a problem) goes with everything, so
 * that one mistake is told once.
 */
export function typeOf(tree: SyntaxTree, types: Types, problems: TypeProblem[] = []): ValueType | undefined {
  switch (tree.kind) {
    case "number":
      return tree.text.includes(".") ? "number" : "integer";
    case "text":
      return "text";
    case "name":
      return typeOfName(tree, types, problems);
    case "negative": {
      const type = typeOf(tree.operand, types, problems);
      if (type !== undefined && !isNumeric(type)) {
        problems.push({ at: tree.at, message: `- takes a number, and this is ${PHRASES[type]}` });
      }
      return type === "integer" && tree.operand.kind === "number" ? "integer" : "number";
    }
    case "binary":
      return typeOfBinary(tree, types, problems);
    case "call":
      return typeOfCall(tree, types, problems);
  }
}

function typeOfName(
  { name, at }: Extract<SyntaxTree, { kind: "name" }>,
  types: Types,
  problems: TypeProblem[],
): ValueType | undefined {
  const type = types.get(name);
  if (type !== "date" && type !== "timestamp") return type;
  problems.push({ at, message: `${name} is a ${type}, which cannot be used in expressions` });
  return undefined;
}

function typeOfBinary(
  { operator, at, ...tree }: Extract<SyntaxTree, { kind: "binary" }>,
  types: Types,
  problems: TypeProblem[],
): ValueType {
  const sides = [tree.left, tree.right].map((side) => ({ side, type: typeOf(side, types, problems) }));
  const [left, right] = sides.map(({ type }) => type && familyOf(type));
  if (operator === "=" || operator === "!=") {
    if (left && right && left !== right) {
      problems.push({ at, message: `${operator} compares a ${left} with a ${right}` });
    }
    return "boolean";
  }
  const odd = sides.find(({ type }) => type !== undefined && !isNumeric(type));
  if (odd?.type !== undefined) {
    const what = odd.side.kind === "name" ? odd.side.name : "a side of it";
    problems.push({ at, message: `${operator} takes numbers, and ${what} is ${PHRASES[odd.type]}` });
  }
  return isComparison(operator) ? "boolean" : "number";
}

function typeOfCall(
  tree: Extract<SyntaxTree, { kind: "call" }>,
  types: Types,
  problems: TypeProblem[],
): ValueType | undefined {
  const values = tree.arguments.map((value) => ({ at: value.at, type: typeOf(value, types, problems) }));
  const refuse = (isWrong: (type: ValueType) => boolean, takes: string, phrases = PHRASES) => {
    for (const { at, type } of values) {
      if (type === undefined || !isWrong(type)) continue;
      problems.push({ at, message: `${tree.name} takes ${takes}, and this is ${phrases[type]}` });
    }
  };
  switch (tree.name) {
    case "coalesce": {
      const known = values.flatMap(({ type }) => type ?? []);
      const [first] = known;
      if (first === undefined) return undefined;
      const isOther = (type: ValueType) => familyOf(type) !== familyOf(first);
      refuse(isOther, `values of one type, the first is ${PHRASES[first]}`);
      return known.includes("number") ? familyOf(first) : first;
    }
    case "ratio":
      refuse((type) => !isNumeric(type), "numbers");
      return "number";
    case "bucket":
      refuse((type) => !isNumeric(type), "numbers");
      return "integer";
    case "cross":
      refuse((type) => type === "number", "texts, whole numbers, and true or false", {
        ...PHRASES,
        number: "a number that may have digits after its point",
      });
      return "text";
  }
}

const isNumeric = (type: ValueType) => type === "number" || type === "integer";

const familyOf = (type: ValueType) => (type === "integer" ? "number" : type);
