/** Which rules of validation features break: a second evaluation, which shares nothing with the Spark job. Pure. */
import { Big } from "big.js";
import type { FeatureSet, FeatureType, ValidationRule } from "../definition/feature-set.ts";
import type { Computed } from "../stores/features.ts";
import { evaluate, type FeatureValue, onlineText, valueOfText } from "../stores/values.ts";

/** What outliers are measured by: values from `low` to `high` are in the middle, distances are counted in `scale`s. */
export interface Reference {
  values: number;
  low: number | null;
  high: number | null;
  scale: number | null;
}

/** Taken for a batch and those after it; by rule. */
export interface References {
  batchId: number;
  rules: Record<string, Reference>;
}

/** Of what a row is to be judged by beside itself. */
export interface Circumstances {
  /** When it was computed, micros since 1970 UTC. */
  createdAt: bigint;
  version: bigint;
  /** By name, as text; what was served until then, where that is known. */
  served: ReadonlyMap<string, string | null> | undefined;
}

export class RuleBook {
  readonly #rules: ValidationRule[];
  readonly #types: Map<string, FeatureType>;
  readonly #references: References[];

  /** `references` in the order of their batches. */
  constructor({ validation, features }: FeatureSet, references: References[]) {
    this.#rules = validation;
    this.#types = new Map(features.map(({ name, type }) => [name, type]));
    this.#references = references;
  }

  /** The rules that a row breaks; of a row that says an entity is gone, none. */
  broken(computed: Computed | null, circumstances: Circumstances): ValidationRule[] {
    if (computed === null) return [];
    return this.#rules.filter((rule) => this.#isBroken(rule, computed, circumstances));
  }

  #isBroken(rule: ValidationRule, computed: Computed, circumstances: Circumstances): boolean {
    if (rule.check === "freshness")
      return circumstances.createdAt - computed.latest > BigInt(rule.maxAgeMs) * 1000n;
    if (rule.check === "relation") return evaluate(rule.expression, computed.features) === false;
    const value = computed.features.get(rule.feature) ?? null;
    if (value === null || rule.check === "not_null") return value === null && rule.check === "not_null";
    switch (rule.check) {
      case "range":
        return isBeyond(value as Big, rule.min, rule.max);
      case "allowed_values":
        return !rule.values.includes(onlineText(value, this.#typeOf(rule.feature)) ?? "");
      case "pattern":
        return !new RegExp(`^(?:${asInPython(rule.pattern)})$`, "u").test(value as string);
      case "outlier":
        return this.#distance(rule.name, Number((value as Big).toString()), circumstances) > rule.threshold;
      case "sudden_change":
        return isSudden(rule, value as Big, this.#servedValue(rule.feature, circumstances));
    }
  }

  #typeOf(feature: string): FeatureType {
    return this.#types.get(feature) as FeatureType;
  }

  #servedValue(feature: string, { served }: Circumstances): Big | null {
    const text = served?.get(feature) ?? null;
    const value: FeatureValue | undefined = text === null ? null : valueOfText(text, this.#typeOf(feature));
    return value instanceof Big ? value : null;
  }

  /** Zero where there is nothing to measure by. */
  #distance(rule: string, value: number, { version }: Circumstances): number {
    const newest = this.#references.findLast(({ batchId }) => BigInt(batchId) <= version);
    const { low, high, scale } = newest?.rules[rule] ?? { low: null, high: null, scale: null };
    if (low === null || high === null || scale === null) return 0;
    return Math.max(low - value, value - high, 0) / scale;
  }
}

/** There a dot is all but a line feed, and a space one of ASCII's. */
function asInPython(pattern: string): string {
  let isInClass = false;
  return pattern.replace(/\\.|[[\].]/gsu, (part) => {
    if (part === "[" || part === "]") isInClass = part === "[";
    if (part === "." && !isInClass) return "[^\\n]";
    if (part === "\\s") return isInClass ? SPACES : `[${SPACES}]`;
    return part === "\\S" && !isInClass ? `[^${SPACES}]` : part;
  });
}

const SPACES = " \\t\\n\\r\\f\\v";

function isBeyond(value: Big, min: string | null, max: string | null): boolean {
  return (min !== null && value.lt(min)) || (max !== null && value.gt(max));
}

function isSudden(
  { maxChange, maxFactor }: { maxChange: string | null; maxFactor: string | null },
  now: Big,
  before: Big | null,
): boolean {
  if (before === null) return false;
  if (maxChange !== null && now.minus(before).abs().gt(maxChange)) return true;
  if (maxFactor === null || now.eq(0) || before.eq(0)) return false;
  const [smaller, greater] = now.abs().lt(before.abs())
    ? [now.abs(), before.abs()]
    : [before.abs(), now.abs()];
  return greater.gt(smaller.times(maxFactor)) || now.gt(0) !== before.gt(0);
}
