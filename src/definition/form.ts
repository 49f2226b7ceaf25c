/** Whether a definition has its form; every problem of it at once. */
import type { Path } from "./diagnostics.ts";
import { explainIssues, type FormFinding } from "./explain.ts";
import { WrittenDefinition } from "./written.ts";

export interface CheckedForm {
  findings: FormFinding[];
  /** What was written, each mistyped kind replaced by the right one it is nearest to. */
  data: unknown;
}

/**
 * A feature's other keys mean nothing without its kind. So that their problems come at once, a mistyped kind is
 * told, and the rest looked at as if it were the suggested one; so is an aggregate.
 */
export function checkForm(data: unknown): CheckedForm {
  const issues = WrittenDefinition.safeParse(data).error?.issues ?? [];
  const findings = explainIssues(issues, WrittenDefinition, data);
  const mistyped = findings.filter(isMistypedKind);
  if (mistyped.length === 0) return { findings, data };
  const rest = checkForm(withSuggestions(data, mistyped));
  return { findings: [...mistyped, ...rest.findings], data: rest.data };
}

function isMistypedKind({ path, suggestion }: FormFinding): boolean {
  const [section, , key, ...deeper] = path;
  const isKind = section === "features" && (key === "kind" || key === "aggregate") && deeper.length === 0;
  return isKind && suggestion !== undefined;
}

function withSuggestions(data: unknown, findings: { path: Path; suggestion?: string | undefined }[]) {
  const changed = structuredClone(data) as { features: Record<string, Record<string, unknown>> };
  for (const { path, suggestion } of findings) {
    const feature = changed.features[String(path[1])];
    if (feature !== undefined) feature[String(path[2])] = suggestion;
  }
  return changed;
}
