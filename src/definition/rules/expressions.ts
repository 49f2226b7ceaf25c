/** Rules about the text, the type and the numbers of expressions. */
import type { Draft } from "../draft.ts";
import { expressionOf } from "../expression/lower.ts";
import { namesIn, partsOf } from "../expression/syntax-tree.ts";
import { type TypeProblem, typeOf, type ValueType } from "../expression/types.ts";
import { isBucket, valueTypesOf } from "../feature-types.ts";
import { derivedOf, inExpression, isDecimal, NUMBER_SIZE } from "./derived.ts";
import type { Rules } from "./rule.ts";

export const expressionRules: Rules = {
  *"expression-syntax"({ features }) {
    for (const [name, feature] of features ?? []) {
      if (feature?.kind !== "derived" || feature.syntaxError === undefined) continue;
      const { message, at, suggestion, allowed } = feature.syntaxError;
      yield { ...inExpression(name, at), message, suggestion, allowed };
    }
  },

  *"expression-type"(draft) {
    const types = valueTypesOf(draft);
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
    const types = valueTypesOf(draft);
    for (const { name, tree } of derivedOf(draft)) {
      const type = tree.kind === "name" ? types.get(tree.name) : undefined;
      if (tree.kind !== "name" || (type !== "boolean" && type !== "text")) continue;
      yield { ...inExpression(name, tree.at), message: `${name} only repeats ${tree.name}` };
    }
  },

  /** An average without declared digits would be rounded by chance. */
  *digits(draft) {
    const types = valueTypesOf(draft);
    for (const { name, feature, tree } of derivedOf(draft)) {
      const type = typeOf(tree, types);
      const path = ["features", name, "digits"];
      const isNumber = (type === "number" || type === "integer") && !isBucket(tree);
      if (isNumber && feature.digits === undefined && !feature.isPartial) {
        yield { path, message: `${name} is a number and needs its digits after the point, as in digits: 2` };
      }
      const without = isBucket(tree) ? "a whole number" : type && WITHOUT_DIGITS[type];
      if (without !== undefined && feature.digits !== undefined) {
        yield { path, atKey: true, message: `${name} is ${without} and has no digits` };
      }
    }
  },

  *"bucket-edges"(draft) {
    const calls = derivedOf(draft).flatMap(({ name, tree }) =>
      partsOf(tree, "call").map((call) => ({ name, call })),
    );
    for (const { name, call } of calls) {
      if (call.name !== "bucket") continue;
      let last: string | undefined;
      for (const edge of call.arguments.slice(1)) {
        const at = inExpression(name, edge.at);
        const number = expressionOf(edge, draft.parameters);
        if (number.op !== "literal") {
          const isClear = namesIn(edge).every((used) => isNumberOrFeature(used.name, draft));
          if (isClear) yield { ...at, message: "an edge of a bucket is a number or a parameter" };
          last = undefined;
        } else if (isDecimal(number.value)) {
          if (last !== undefined && scaled(number.value) <= scaled(last)) {
            yield { ...at, message: `the edges of a bucket grow, and ${number.value} is not above ${last}` };
          }
          last = number.value;
        }
      }
    }
  },

  *"number-size"(draft) {
    const message = NUMBER_SIZE;
    for (const { name, tree } of derivedOf(draft)) {
      for (const { text, at } of partsOf(tree, "number")) {
        if (!isDecimal(text)) yield { ...inExpression(name, at), message };
      }
    }
    for (const [name, parameter] of draft.parameters) {
      if (parameter?.kind !== "number" || isDecimal(parameter.text)) continue;
      const isPlain = /^-?[0-9]+(\.[0-9]+)?$/.test(parameter.text);
      const notPlain = `${parameter.text} must be written in plain digits, as in 1000 or 0.5`;
      yield { path: ["parameters", name], message: isPlain ? message : notPlain };
    }
  },

  /** Stores and Spark write texts as UTF-8, which has no form for it. */
  *"text-characters"(draft) {
    const message = "a text holds half of a character, a lone surrogate";
    for (const { name, tree } of derivedOf(draft)) {
      for (const { text, at } of partsOf(tree, "text")) {
        if (LONE_SURROGATE.test(text)) yield { ...inExpression(name, at), message };
      }
    }
    for (const [name, parameter] of draft.parameters) {
      if (parameter?.kind === "text" && LONE_SURROGATE.test(parameter.text)) {
        yield { path: ["parameters", name], message };
      }
    }
  },
};

const WITHOUT_DIGITS: Partial<Record<ValueType, string>> = { boolean: "true or false", text: "a text" };

const LONE_SURROGATE = /\p{Cs}/u;

/** Other names are told by other rules. */
function isNumberOrFeature(name: string, { parameters, features }: Draft): boolean {
  return parameters.has(name) ? parameters.get(name)?.kind === "number" : features?.has(name) === true;
}

/** A number's text as an integer: its digits before the point and 18 after it. */
function scaled(text: string): bigint {
  const [whole = "", fraction = ""] = text.split(".");
  return BigInt(whole + fraction.padEnd(18, "0"));
}
