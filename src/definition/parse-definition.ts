/** From the text of a definition to a checked feature set, or to everything that is wrong with it. */
import { featureSetOf } from "./check.ts";
import { type Diagnostic, type Finding, inFileOrder } from "./diagnostics.ts";
import { draftOf } from "./draft.ts";
import type { FeatureSet } from "./feature-set.ts";
import { checkForm } from "./form.ts";
import { rules } from "./rules/index.ts";
import { WrittenDefinition } from "./written.ts";
import { readYaml, type YamlSource } from "./yaml-source.ts";

export interface ParsedDefinition {
  /** Present when there are no diagnostics. */
  featureSet?: FeatureSet;
  /** In the order of the file. */
  diagnostics: Diagnostic[];
}

/** `file` is only used to name the place; nothing is read from it. */
export function parseDefinition(text: string, file: string): ParsedDefinition {
  const source = readYaml(text.replace(/^\uFEFF/, ""));
  const diagnostics: Diagnostic[] = source.problems.map((problem) => ({ file, ...problem }));
  if (source.data === undefined) return { diagnostics: inFileOrder(diagnostics) };

  const { findings, data } = checkForm(source.data);
  for (const { rule, ...finding } of findings) diagnostics.push(diagnosticOf(finding, rule, source, file));
  const draft = draftOf(data, file, source.numberText);
  for (const [name, rule] of Object.entries(rules)) {
    for (const finding of rule(draft)) diagnostics.push(diagnosticOf(finding, name, source, file));
  }
  if (diagnostics.length === 0)
    return { featureSet: featureSetOf(WrittenDefinition.parse(data), draft), diagnostics };
  return { diagnostics: inFileOrder(diagnostics) };
}

export function diagnosticOf(finding: Finding, rule: string, source: YamlSource, file: string): Diagnostic {
  const { message, allowed, suggestion } = finding;
  return {
    file,
    ...source.placeOf(finding),
    rule,
    message,
    ...(allowed && allowed.length > 0 && { allowed }),
    ...(suggestion !== undefined && { suggestion }),
  };
}
