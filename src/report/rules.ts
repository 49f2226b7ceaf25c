/** Rules of validation, and how many rows broke them. Pure. */
import { formatDuration } from "../definition/duration.ts";
import type { ValidationRule } from "../definition/feature-set.ts";
import { expressionText } from "../verify/meaning.ts";
import type { RuleResult, Runs } from "./document.ts";

export function rulesOf(rules: ValidationRule[], runs: Runs | null): RuleResult[] {
  return rules.map((rule) => ({
    ...{ name: rule.name, severity: rule.severity, description: rule.description, check: checkText(rule) },
    // A rule that came into the definition since was broken by no row yet.
    rows: runs === null ? null : (runs.violations[rule.name] ?? 0),
  }));
}

function checkText(rule: ValidationRule): string {
  switch (rule.check) {
    case "not_null":
      return `${rule.feature} is not null`;
    case "range":
      return `${rule.feature} is ${limits([
        ["at least", rule.min],
        ["at most", rule.max],
      ])}`;
    case "allowed_values":
      return `${rule.feature} is one of ${rule.values.join(", ")}`;
    case "pattern":
      return `${rule.feature} matches ${rule.pattern}`;
    case "freshness":
      return `the latest event is at most ${formatDuration(rule.maxAgeMs)} ago`;
    case "relation":
      return expressionText(rule.expression);
    case "outlier":
      return `${rule.feature} is no outlier: ${rule.method} at most ${rule.threshold}`;
    case "sudden_change":
      return `${rule.feature} changes by ${limits([
        ["at most", rule.maxChange],
        ["at most a factor of", rule.maxFactor],
      ])}`;
  }
}

function limits(all: [words: string, limit: string | null][]): string {
  return all.flatMap(([words, limit]) => (limit === null ? [] : [`${words} ${limit}`])).join(" and ");
}
