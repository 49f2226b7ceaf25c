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
 * told, and the rest looked at as if it were the suggested one; so is an aggregate, a measure, a window's type.
 */
export function checkForm(data: unknown): CheckedForm {
  const issues = WrittenDefinition.safeParse(data).error?.issues ?? [];
  const findings = explainIssues(issues, WrittenDefinition, data);
  const mistyped = findings.filter(isMistypedKind);
  if (mistyped.length === 0) return { findings, data };
  const rest = checkForm(withSuggestions(data, mistyped));
  return { findings: [...mistyped, ...rest.findings], data: rest.data };
}

/** `*` stands for any name. */
const KINDS = [
  "features.*.kind",
  "features.*.aggregate",
  "features.*.measure",
  "window.type",
  "windows.*.type",
  "validation.*.check",
];

function isMistypedKind({ path, suggestion }: FormFinding): boolean {
  const isAt = (kind: string) => {
    const keys = kind.split(".");
    return keys.length === path.length && keys.every((key, index) => key === "*" || key === path[index]);
  };
  return suggestion !== undefined && KINDS.some(isAt);
}

function withSuggestions(data: unknown, findings: { path: Path; suggestion?: string | undefined }[]) {
  const changed = structuredClone(data);
  for (const { path, suggestion } of findings) {
    const owner = path
      .slice(0, -1)
      .reduce<unknown>((value, key) => (value as Mapping | undefined)?.[key], changed);
    if (owner !== undefined) (owner as Mapping)[path.at(-1) as string] = suggestion;
  }
  return changed;
}

type Mapping = Record<string | number, unknown>;
