/** Feature values as exact numbers: how they are derived, rounded, and written in the online store. */
import { Big } from "big.js";
import {
  type Expression,
  type Feature,
  type FeatureSet,
  type FeatureType,
  isAsOfNow,
} from "../definition/feature-set.ts";
import { daysOfIso, isoDate, isoOfMicros, microsOfIso, utcDay } from "../platform/instants.ts";

/** Every number is a Big, whole ones too; dates are bigint days, times bigint micros; null is "not known". */
export type FeatureValue = Big | bigint | string | boolean | null;

export type FeatureValues = Map<string, FeatureValue>;

const QUOTIENT_DIGITS = 18;

/** A constructor of our own: the quotient's digits are a setting of the constructor, shared by its users. */
const Decimal = Big();
Decimal.DP = QUOTIENT_DIGITS;
Decimal.RM = Big.roundHalfUp;

const ZERO = new Decimal(0);

/** To 18 digits after the point, half up; null when the divisor is zero. */
export function quotient(dividend: Big | number, divisor: Big | number): Big | null {
  const by = new Decimal(divisor);
  return by.eq(0) ? null : new Decimal(dividend).div(by);
}

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

/** Features that are right only as of a moment: all of a set as of now, else recency and what derives from it. */
export function nowDependent(featureSet: FeatureSet): Set<string> {
  const names = new Set<string>();
  for (const feature of featureSet.features) {
    if (isAsOfNow(featureSet) || dependsOnNow(feature, names)) names.add(feature.name);
  }
  return names;
}

function dependsOnNow(feature: Feature, before: Set<string>): boolean {
  if (feature.kind === "behavioural") return feature.measure === "recency";
  return feature.kind === "derived" && featuresIn(feature.expression).some((name) => before.has(name));
}

/** The names of the features that an expression reads, as often as it does. */
export function featuresIn(expression: Expression): string[] {
  if (expression.op === "feature") return [expression.name];
  if (expression.op === "literal" || expression.op === "text") return [];
  return operandsOf(expression).flatMap(featuresIn);
}

type Operation = Exclude<Expression, { op: "feature" | "literal" | "text" }>;

function operandsOf(expression: Operation): Expression[] {
  return "arguments" in expression ? expression.arguments : [expression.left, expression.right];
}

type Operand = Big | string | boolean;

export function evaluate(expression: Expression, values: FeatureValues): FeatureValue {
  switch (expression.op) {
    case "feature":
      return values.get(expression.name) ?? null;
    case "literal":
      return new Decimal(expression.value);
    case "text":
      return expression.value;
  }
  const operands = operandsOf(expression).map((operand) => evaluate(operand, values) as Operand | null);
  switch (expression.op) {
    case "coalesce":
      return operands.find((operand) => operand !== null) ?? null;
    case "ratio":
      return ratio(operands as (Big | null)[]);
    default:
      return operands.includes(null) ? null : operate(expression.op, operands as Operand[]);
  }
}

/** What stands in for a division by zero does not matter otherwise, so it may be null. */
function ratio([dividend = null, divisor = null, whenZero = null]: (Big | null)[]): Big | null {
  if (dividend === null || divisor === null) return null;
  return divisor.eq(0) ? whenZero : quotient(dividend, divisor);
}

function operate(op: Exclude<Operation["op"], "coalesce" | "ratio">, operands: Operand[]): FeatureValue {
  const [left, right] = operands as [Operand, Operand];
  switch (op) {
    case "bucket": {
      const edges = operands.slice(1) as Big[];
      return new Decimal(edges.filter((edge) => edge.lte(left as Big)).length);
    }
    case "cross":
      return operands.map((operand) => (operand instanceof Big ? operand.toFixed(0) : operand)).join("|");
    case "=":
      return isEqual(left, right);
    case "!=":
      return !isEqual(left, right);
  }
  if (!(left instanceof Big && right instanceof Big))
    throw new TypeError(`${op} of no numbers: the definition's rules should have refused it`);
  switch (op) {
    case "+":
      return left.plus(right);
    case "-":
      return left.minus(right);
    case "*":
      return left.times(right);
    case "/":
      return quotient(left, right);
    case ">":
      return left.gt(right);
    case ">=":
      return left.gte(right);
    case "<":
      return left.lt(right);
    case "<=":
      return left.lte(right);
  }
}

function isEqual(left: Operand, right: Operand): boolean {
  return left instanceof Big && right instanceof Big ? left.eq(right) : left === right;
}

/** Half up, which is away from zero for negative numbers, to the digits of the type. */
export function rounded(value: FeatureValue, type: FeatureType): FeatureValue {
  if (!(value instanceof Big)) return value;
  const number = value.round(type.kind === "decimal" ? type.digits : 0, Big.roundHalfUp);
  return number.eq(0) ? ZERO : number; // there is no minus zero
}

/** The text of a value in the online store; null features are absent there. */
export function onlineText(value: FeatureValue, type: FeatureType): string | null {
  if (value === null) return null;
  if (typeof value === "bigint") return type.kind === "date" ? isoDate(value) : isoOfMicros(value);
  if (value instanceof Big) return value.toFixed(type.kind === "decimal" ? type.digits : 0);
  return String(value);
}

/** Reads a value from text, however its digits are written; undefined when it is none of that type. */
export function valueOfText(text: string, type: FeatureType): Exclude<FeatureValue, null> | undefined {
  switch (type.kind) {
    case "boolean":
      return text === "true" ? true : text === "false" ? false : undefined;
    case "text":
      return text;
    case "date":
      return daysOfIso(text);
    case "timestamp":
      return microsOfIso(text);
  }
  try {
    return new Decimal(text);
  } catch {
    return undefined;
  }
}

export function isSameValue(a: FeatureValue | undefined, b: FeatureValue | undefined): boolean {
  return a instanceof Big && b instanceof Big ? a.eq(b) : a !== undefined && a === b;
}
