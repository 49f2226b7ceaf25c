/** Problems of a definition, each with its place in the file. */

export interface Diagnostic {
  file: string;
  /** Both count from 1; the column counts UTF-16 code units, as editors do. */
  line: number;
  column: number;
  /** Name of the rule that was broken, as in `unknown-column`. */
  rule: string;
  /** What is wrong, one sentence without its place. */
  message: string;
  allowed?: readonly string[];
  /** The nearest right word. */
  suggestion?: string;
}

export type Path = readonly (string | number)[];

/** A problem before its place in the text is known. */
export interface Finding {
  path: Path;
  /** Points at the key instead of the value. */
  atKey?: boolean;
  /** Index into the text of the scalar at `path`. */
  offset?: number;
  message: string;
  allowed?: readonly string[];
  suggestion?: string | undefined;
}

/** Plain text, without a line end: `file:line:column: message [rule]`, then what would be right. */
export function formatDiagnostic(diagnostic: Diagnostic): string {
  const { file, line, column, message, rule, allowed, suggestion } = diagnostic;
  const lines = [`${file}:${line}:${column}: ${message} [${rule}]`];
  if (suggestion !== undefined) lines.push(`  did you mean ${suggestion}?`);
  if (allowed !== undefined && allowed.length > 0) lines.push(`  allowed: ${allowed.join(", ")}`);
  return lines.join("\n");
}

export function inFileOrder(diagnostics: Diagnostic[]): Diagnostic[] {
  return diagnostics.toSorted((a, b) => a.line - b.line || a.column - b.column);
}
