/** Golden tests of a small definition. */
import type { FeatureSet } from "../../../src/definition/feature-set.ts";
import { parseDefinition } from "../../../src/definition/parse-definition.ts";
import { parseCases, parseForm } from "../../../src/golden/parse.ts";
import { SHOPPER } from "../definition/shopper.ts";

export const shopper = featureSet(SHOPPER);

export function featureSet(definition: string): FeatureSet {
  const parsed = parseDefinition(definition, "shopper.yaml");
  if (parsed.featureSet === undefined) throw new Error(JSON.stringify(parsed.diagnostics));
  return parsed.featureSet;
}

/** A file with one case of these `given` and `expect` lines. */
export function fileOf(given: string[], expect: string[] = ["{ entity: 5, features: none }"]): string {
  return [
    "feature_set: shopper",
    "cases:",
    "  - name: one",
    "    as_of: 2026-11-21T12:00:00Z",
    given.length === 0 ? "    given: []" : "    given:",
    ...given.map((line) => `      - ${line}`),
    "    expect:",
    ...expect.map((line) => `      - ${line}`),
    "",
  ].join("\n");
}

export function read(text: string, set = shopper) {
  const { form, diagnostics } = parseForm(text, "shopper.test.yaml");
  return form === undefined ? { cases: [], diagnostics } : parseCases(form, set);
}

/** As `line:column: message [rule]`. */
export function told(text: string, set = shopper): string[] {
  return read(text, set).diagnostics.map(
    ({ line, column, message, rule, suggestion }) =>
      `${line}:${column}: ${message} [${rule}]${suggestion === undefined ? "" : ` → ${suggestion}`}`,
  );
}

export const ROW = "{ order_id: 1, customer_id: 5, amount: 10.00, created_at: 2026-11-20T10:00:00Z }";
