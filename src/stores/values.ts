/** Feature values as exact numbers: how they are derived, aged, and written in the online store. */
import { Big } from "big.js";
import type { Expression, Feature, FeatureSet, FeatureType } from "../definition/feature-set.ts";
import { utcDay } from "../platform/instants.ts";

/** Every number is a Big, whole ones too; null is "not known". */
export type FeatureValue = Big | boolean | null;

export type FeatureValues = Map<string, FeatureValue>;

const QUOTIENT_DIGITS = 18;

// A constructor of our own: the quotient's digits are a setting of the constructor, shared by its users.
const Decimal = Big();
Decimal.DP = QUOTIENT_DIGITS;
Decimal.RM = Big.roundHalfUp;

/** UTC calendar days from an event time to now, both in micros; below zero for an event in the future. */
export function recencyInDays(eventTime: bigint, now: bigint): Big {
  return new Decimal(utcDay(now) - utcDay(eventTime));
}

/** Fills in what derives from other features, in the order of the definition; with `only`, no more than those. */
export function derive(featureSet: FeatureSet, values: FeatureValues, only?: Set<string>): void {
  for (const feature of featureSet.features) {
    if (feature.kind === "derived" && (only === undefined || only.has(feature.name))) {
      values.set(feature.name, rounded(evaluate(feature.expression, values), feature.type));
    }
  }
}

/** Recency, and all that derives from it: right only as of a moment. */
export function nowDependent(featureSet: FeatureSet): Set<string> {
  const names = new Set<string>();
  for (const feature of featureSet.features) {
    if (dependsOnNow(feature, names)) names.add(feature.name);
  }
  return names;
}

function dependsOnNow(feature: Feature, before: Set<string>): boolean {
  if (feature.kind === "behavioural") return true;
  return feature.kind === "derived" && namesIn(feature.expression).some((name) => before.has(name));
}

function namesIn(expression: Expression): string[] {
  if (expression.op === "feature") return [expression.name];
  if (expression.op === "literal") return [];
  return [...namesIn(expression.left), ...namesIn(expression.right)];
}

export function evaluate(expression: Expression, values: FeatureValues): FeatureValue {
  if (expression.op === "feature") return values.get(expression.name) ?? null;
  if (expression.op === "literal") return new Decimal(expression.value);
  const left = evaluate(expression.left, values);
  const right = evaluate(expression.right, values);
  if (left === null || right === null) return null;
  if (typeof left === "boolean" || typeof right === "boolean") {
    if (expression.op === "=") return left === right;
    if (expression.op === "!=") return left !== right;
    throw new TypeError(`${expression.op} of a boolean: the definition's rules should have refused it`);
  }
  switch (expression.op) {
    case "+":
      return left.plus(right);
    case "-":
      return left.minus(right);
    case "*":
      return left.times(right);
    case "/":
      return right.eq(0) ? null : new Decimal(left).div(right);
    case ">":
      return left.gt(right);
    case ">=":
      return left.gte(right);
    case "<":
      return left.lt(right);
    case "<=":
      return left.lte(right);
    case "=":
      return left.eq(right);
    case "!=":
      return !left.eq(right);
  }
}

/** Half up, which is away from zero for negative numbers, to the digits of the type. */
export function rounded(value: FeatureValue, type: FeatureType): FeatureValue {
  if (value === null || typeof value === "boolean") return value;
  const number = value.round(type.kind === "decimal" ? type.digits : 0, Big.roundHalfUp);
  return number.eq(0) ? new Decimal(0) : number; // there is no minus zero
}

/** The text of a value in the online store; null features are absent there. */
export function onlineText(value: FeatureValue, type: FeatureType): string | null {
  if (value === null) return null;
  if (typeof value === "boolean") return String(value);
  return value.toFixed(type.kind === "decimal" ? type.digits : 0);
}

/** Reads a value from text, however its digits are written; undefined when it is none of that type. */
export function valueOfText(text: string, type: FeatureType): Big | boolean | undefined {
  if (type.kind === "boolean") return text === "true" ? true : text === "false" ? false : undefined;
  try {
    return new Decimal(text);
  } catch {
    return undefined;
  }
}
