/** Rules about what values have to hold to before they are written. */
import type { Path } from "../diagnostics.ts";
import type { Draft, DraftFeature, DraftRule } from "../draft.ts";
import { LONGEST_MS, parseDuration } from "../duration.ts";
import { namesIn, partsOf } from "../expression/syntax-tree.ts";
import { type TypeProblem, typeOf, type ValueType } from "../expression/types.ts";
import { typeOfRowFeature, valueTypesOf } from "../feature-types.ts";
import { NAME_PATTERN } from "../names.ts";
import { nearest } from "../nearest.ts";
import { isDecimal, NUMBER_SIZE, relationsOf } from "./derived.ts";
import type { Rules } from "./rule.ts";

export const validationRules: Rules = {
  *"validated-feature"(draft) {
    const { features } = draft;
    if (features === undefined) return;
    for (const { path, rule } of rulesOf(draft)) {
      if (!("feature" in rule) || features.has(rule.feature)) continue;
      const allowed = [...features.keys()].filter((name) => NAME_PATTERN.test(name));
      yield {
        path: [...path, "feature"],
        message: `${rule.feature} is not among features`,
        allowed,
        suggestion: nearest(rule.feature, allowed),
      };
    }
  },

  *"validated-type"(draft) {
    const types = valueTypesOf(draft);
    for (const { path, rule } of rulesOf(draft)) {
      if (!("feature" in rule) || !draft.features?.has(rule.feature)) continue;
      const type = types.get(rule.feature);
      const takes = TAKES[rule.check];
      if (type === undefined || takes === undefined || takes.types.includes(type)) continue;
      yield {
        path: [...path, "feature"],
        message: `${rule.check} takes ${takes.what}, and ${rule.feature} is a ${type}`,
      };
    }
  },

  *"validated-limits"(draft) {
    for (const { path, rule } of rulesOf(draft)) {
      for (const [key, text] of rule.limits) {
        const isCount = key === "min_history";
        if (isCount || isDecimal(text)) continue;
        const message = `${text} must be written in plain digits, at most 20 before the point and 18 after it`;
        yield { path: [...path, key], message };
      }
      if (rule.check === "range") {
        const [min, max] = [rule.min, rule.max];
        if (min === undefined && max === undefined)
          yield { path, atKey: true, message: "a range has min, max or both" };
        if (min !== undefined && max !== undefined && min > max)
          yield { path: [...path, "max"], message: `max, ${max}, is below min, ${min}` };
      }
      if (rule.check === "sudden_change" && rule.max_change === undefined && rule.max_factor === undefined) {
        yield { path, atKey: true, message: "a sudden_change has max_change, max_factor or both" };
      }
      if (rule.check === "freshness" && parseDuration(rule.max_age) > LONGEST_MS) {
        const message = `${rule.max_age} is longer than a hundred years, 36500 days`;
        yield { path: [...path, "max_age"], message };
      }
    }
  },

  /** A value that no feature can have would be a mistake, since nothing is allowed by it. */
  *"allowed-values"(draft) {
    const types = valueTypesOf(draft);
    for (const { path, rule } of rulesOf(draft)) {
      if (rule.check !== "allowed_values") continue;
      const type = types.get(rule.feature);
      const digits = digitsOf(draft.features?.get(rule.feature), draft);
      for (const [index, value] of rule.values.entries()) {
        const text = rule.texts?.[index] ?? String(value);
        const problem = problemOfValue(value, text, type, digits);
        if (problem !== undefined)
          yield { path: [...path, "values", index], message: `${rule.feature} is ${problem}` };
      }
    }
  },

  *"validated-pattern"(draft) {
    for (const { path, rule } of rulesOf(draft)) {
      if (rule.check !== "pattern") continue;
      const message = problemOfPattern(rule.pattern);
      if (message !== undefined) yield { path: [...path, "pattern"], message };
    }
  },

  *"relation-syntax"(draft) {
    for (const { path, rule } of rulesOf(draft)) {
      if (rule.syntaxError === undefined) continue;
      const { message, at, suggestion, allowed } = rule.syntaxError;
      yield { path: [...path, "expression"], offset: at, message, suggestion, allowed };
    }
  },

  *"relation-names"(draft) {
    if (draft.features === undefined) return;
    const known = [...draft.features.keys(), ...draft.parameters.keys()];
    for (const { name, tree } of relationsOf(draft)) {
      for (const { name: used, at } of namesIn(tree)) {
        if (known.includes(used)) continue;
        const allowed = known.filter((one) => NAME_PATTERN.test(one));
        yield {
          ...inRelation(name, at),
          message: `${used} is neither a feature nor a parameter`,
          allowed,
          suggestion: nearest(used, allowed),
        };
      }
    }
  },

  *"relation-type"(draft) {
    const types = valueTypesOf(draft);
    for (const { name, tree } of relationsOf(draft)) {
      const problems: TypeProblem[] = [];
      const type = typeOf(tree, types, problems);
      yield* problems.map(({ at, message }) => ({ ...inRelation(name, at), message }));
      if (problems.length === 0 && type !== undefined && type !== "boolean") {
        const message = `a relation is true or false, and this is a ${type}: compare it, as in a <= b`;
        yield { ...inRelation(name, 0), message };
      }
      const isOverFeatures = namesIn(tree).some((used) => draft.features?.has(used.name));
      if (!isOverFeatures && namesIn(tree).every((used) => draft.parameters.has(used.name)))
        yield { ...inRelation(name, 0), message: "it uses no feature, so that it is the same for all" };
      for (const number of partsOf(tree, "number")) {
        if (isDecimal(number.text)) continue;
        yield { ...inRelation(name, number.at), message: NUMBER_SIZE };
      }
    }
  },
};

const NUMBERS: ValueType[] = ["number", "integer"];

const TAKES: Partial<Record<DraftRule["check"], { types: ValueType[]; what: string }>> = {
  range: { types: NUMBERS, what: "numbers" },
  outlier: { types: NUMBERS, what: "numbers" },
  sudden_change: { types: NUMBERS, what: "numbers" },
  pattern: { types: ["text"], what: "a text" },
  allowed_values: { types: [...NUMBERS, "text", "boolean"], what: "numbers, texts, and true or false" },
};

function rulesOf({ validation }: Draft): { path: Path; rule: DraftRule }[] {
  return [...validation].flatMap(([name, rule]) => (rule ? [{ path: ["validation", name], rule }] : []));
}

function inRelation(name: string, offset: number): { path: Path; offset: number } {
  return { path: ["validation", name, "expression"], offset };
}

/** Undefined where a feature is no decimal, or that cannot be known. */
function digitsOf(feature: DraftFeature | undefined, draft: Draft): number | undefined {
  if (feature === undefined) return undefined;
  if (feature.kind === "derived") return feature.digits;
  const column = "column" in feature ? draft.columns?.get(feature.column)?.type : undefined;
  const type = typeOfRowFeature(feature, column);
  return type?.kind === "decimal" ? type.digits : type && 0;
}

function problemOfValue(
  value: string | number | boolean,
  text: string,
  type: ValueType | undefined,
  digits = 0,
): string | undefined {
  switch (type) {
    case "number":
    case "integer": {
      if (typeof value !== "number") return `a number, and ${JSON.stringify(value)} is none`;
      if (!isDecimal(text)) return `a number, and ${text} must be written in plain digits`;
      const written = text.split(".")[1]?.length ?? 0;
      return written > digits ? `a number of ${digits} digits after the point, and never ${text}` : undefined;
    }
    case "text":
      return typeof value === "string" ? undefined : `a text, and ${text} is none: write "${text}"`;
    case "boolean":
      return typeof value === "boolean" ? undefined : `true or false, and never ${JSON.stringify(value)}`;
    default:
      return undefined;
  }
}

/** Two languages read it, which agree on all but these. */
const UNCOMMON: [RegExp, string][] = [
  [/\\[pP]\{/, "\\p{…}: write the characters, as in [A-Za-z]"],
  [/\\[kuUxNZGzA]/, "\\k, \\u, \\x, \\A and \\Z: write the character itself"],
  [/\(\?(?![:=!])/, "named groups, lookbehind and flags: (…), (?:…), (?=…) and (?!…) are there"],
  [/[*+?}][+]/, "possessive quantifiers"],
  [/\\[1-9]/, "references to groups"],
];

function problemOfPattern(pattern: string): string | undefined {
  const uncommon = UNCOMMON.find(([form]) => form.test(pattern));
  if (uncommon !== undefined) return `a pattern has no ${uncommon[1]}`;
  try {
    new RegExp(`^(?:${pattern})$`, "u");
    return undefined;
  } catch (error) {
    return `it is no regular expression: ${(error as Error).message.replace(/^.*: /, "")}`;
  }
}
