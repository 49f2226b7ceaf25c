/** From the text of a file of golden tests to cases, or to everything that is wrong with it. */
import { type Diagnostic, inFileOrder } from "../definition/diagnostics.ts";
import { explainIssues } from "../definition/explain.ts";
import type { FeatureSet } from "../definition/feature-set.ts";
import { diagnosticOf } from "../definition/parse-definition.ts";
import { readYaml, type YamlSource } from "../definition/yaml-source.ts";
import { Checker } from "./check.ts";
import type { GoldenCase } from "./golden-case.ts";
import { WrittenTests } from "./written.ts";

/** A file whose form is right; what it means depends on the feature set that it names. */
export interface GoldenForm {
  file: string;
  featureSet: string;
  written: WrittenTests;
  source: YamlSource;
}

/** `file` is only used to name the place; nothing is read from it. */
export function parseForm(text: string, file: string): { form?: GoldenForm; diagnostics: Diagnostic[] } {
  const source = readYaml(text.replace(/^\uFEFF/, ""));
  const diagnostics: Diagnostic[] = source.problems.map((problem) => ({
    file,
    ...problem,
    message: ABOUT_TESTS[problem.rule] ?? problem.message,
  }));
  if (source.data === undefined) return { diagnostics };
  const parsed = WrittenTests.safeParse(source.data);
  const issues = parsed.error?.issues ?? [];
  for (const { rule, ...finding } of explainIssues(issues, WrittenTests, source.data))
    diagnostics.push(diagnosticOf(finding, rule, source, file));
  if (parsed.data === undefined || diagnostics.length > 0) return { diagnostics: inFileOrder(diagnostics) };
  return { form: { file, featureSet: parsed.data.feature_set, written: parsed.data, source }, diagnostics };
}

/** What the reader of definitions says of them. */
const ABOUT_TESTS: Record<string, string> = {
  "empty-file": "there are no golden tests in this file",
  "wrong-value": "golden tests are a mapping with feature_set and cases as its keys",
  "one-document": "a file holds the tests of one feature set; put these into their own",
};

export function parseCases(
  { file, written, source }: GoldenForm,
  featureSet: FeatureSet,
): { cases: GoldenCase[]; diagnostics: Diagnostic[] } {
  const checker = new Checker(featureSet, source.numberText);
  const cases = checker.cases(written);
  const diagnostics = checker.findings.map(({ rule, ...finding }) =>
    diagnosticOf(finding, rule, source, file),
  );
  return { cases, diagnostics: inFileOrder(diagnostics) };
}
