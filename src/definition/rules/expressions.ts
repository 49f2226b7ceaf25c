/** Rules about the text, the type and the numbers of expressions. */
import type { Draft } from "../draft.ts";
import { namesIn, type SyntaxTree } from "../expression/syntax-tree.ts";
import { type TypeProblem, typeOf, type ValueType } from "../expression/types.ts";
import { derivedOf, inExpression } from "./derived.ts";
import type { Rules } from "./rule.ts";

export const expressionRules: Rules = {
  *"expression-syntax"({ features }) {
    for (const [name, feature] of features ?? []) {
      if (feature?.kind !== "derived" || feature.syntaxError === undefined) continue;
      const { message, at, suggestion } = feature.syntaxError;
      yield { ...inExpression(name, at), message, suggestion };
    }
  },

  *"expression-type"(draft) {
    const types = typesOf(draft);
    for (const { name, tree } of derivedOf(draft)) {
      const problems: TypeProblem[] = [];
      typeOf(tree, types, problems);
      yield* problems.map(({ at, message }) => ({ ...inExpression(name, at), message }));
    }
  },

  *"constant-expression"(draft) {
    const isConstant = (name: string) => draft.parameters.has(name) && !draft.features?.has(name);
    for (const { name, tree } of derivedOf(draft)) {
      if (namesIn(tree).some((used) => !isConstant(used.name))) continue;
      yield { ...inExpression(name, 0), message: `${name} uses no feature, so that it is the same for all` };
    }
  },

  *"copied-feature"(draft) {
    const types = typesOf(draft);
    for (const { name, tree } of derivedOf(draft)) {
      if (tree.kind !== "name" || types.get(tree.name) !== "boolean") continue;
      yield { ...inExpression(name, tree.at), message: `${name} only repeats ${tree.name}` };
    }
  },

  /** An average without declared digits would be rounded by chance. */
  *digits(draft) {
    const types = typesOf(draft);
    for (const { name, feature, tree } of derivedOf(draft)) {
      const type = typeOf(tree, types);
      const path = ["features", name, "digits"];
      if (type === "number" && feature.digits === undefined && !feature.isPartial) {
        yield { path, message: `${name} is a number and needs its digits after the point, as in digits: 2` };
      }
      if (type === "boolean" && feature.digits !== undefined) {
        yield { path, atKey: true, message: `${name} is true or false and has no digits` };
      }
    }
  },

  *"number-size"(draft) {
    const message = "a number has at most 20 digits before its point and 18 after it";
    for (const { name, tree } of derivedOf(draft)) {
      for (const { text, at } of numbersIn(tree)) {
        if (!isDecimal(text)) yield { ...inExpression(name, at), message };
      }
    }
    for (const [name, text] of draft.parameters) {
      if (text === undefined || isDecimal(text)) continue;
      const isPlain = /^-?[0-9]+(\.[0-9]+)?$/.test(text);
      const notPlain = `${text} must be written in plain digits, as in 1000 or 0.5`;
      yield { path: ["parameters", name], message: isPlain ? message : notPlain };
    }
  },
};

const isDecimal = (text: string) => /^-?[0-9]{1,20}(\.[0-9]{1,18})?$/.test(text);

/** Of parameters and features; unknown where a feature's own definition has a problem. */
function typesOf(draft: Draft): Map<string, ValueType | undefined> {
  const types = new Map<string, ValueType | undefined>();
  for (const name of draft.parameters.keys()) types.set(name, "number");
  for (const [name, feature] of draft.features ?? []) {
    const isDerived = feature?.kind === "derived";
    types.set(name, isDerived ? feature.tree && typeOf(feature.tree, types) : feature && "number");
  }
  return types;
}

function numbersIn(tree: SyntaxTree): { text: string; at: number }[] {
  if (tree.kind === "number") return [tree];
  if (tree.kind === "negative") return numbersIn(tree.operand);
  return tree.kind === "binary" ? [...numbersIn(tree.left), ...numbersIn(tree.right)] : [];
}
