/** YAML text with the places of its keys and values. */
import { type Document, isMap, isScalar, isSeq, type Node, parseDocument, Scalar, type YAMLMap } from "yaml";
import type { Finding, Path } from "./diagnostics.ts";
import { noMapping, type Place, syntaxProblems, unusedYaml, type YamlProblem } from "./yaml-problems.ts";

export interface YamlSource {
  /** Plain objects, arrays and scalars; undefined when the problems leave nothing to look into. */
  data: unknown;
  problems: YamlProblem[];
  /** Where a finding points to; for what is missing, the nearest mapping around it. */
  placeOf(finding: Pick<Finding, "path" | "atKey" | "offset">): Place;
  /** A finite number exactly as it was written. */
  numberText(path: Path): string | undefined;
}

export function readYaml(text: string): YamlSource {
  const document = parseDocument(text, { prettyErrors: false, merge: false, logLevel: "error" });
  const place = (offset: number): Place => {
    const lines = text.slice(0, offset).split("\n");
    return { line: lines.length, column: (lines.at(-1)?.length ?? 0) + 1 };
  };
  const problems = [...syntaxProblems(document, text, place), ...unusedYaml(document, place)];
  const isReadable = !problems.some(({ rule }) => rule === "yaml-syntax" || rule === "yaml-anchor");
  if (isReadable && !isMap(document.contents)) {
    problems.push({ ...place(document.contents?.range?.[0] ?? 0), ...noMapping(document.contents) });
  }
  return {
    data: isReadable && isMap(document.contents) ? document.toJS() : undefined,
    problems,
    placeOf: (finding) => place(offsetOf(finding, document, text)),
    numberText: (path) => {
      const node = lookUp(document, path).value;
      return isScalar(node) && Number.isFinite(node.value) ? node.source : undefined;
    },
  };
}

function offsetOf(
  { path, atKey, offset }: Pick<Finding, "path" | "atKey" | "offset">,
  document: Document,
  text: string,
) {
  const { key, value, found } = lookUp(document, path);
  const node = atKey || !found || value?.range === undefined ? key : value;
  const start = node?.range?.[0] ?? document.contents?.range?.[0] ?? 0;
  if (offset === undefined || node !== value || !isScalar(value)) return start;
  return start + offsetInSource(value, text, offset);
}

/** Key and value at a path, or the last ones on the way there; what stands in a list is its own key. */
function lookUp(document: Document, path: Path): Entry & { found: boolean } {
  let at: Entry = { key: undefined, value: document.contents };
  for (const step of path) {
    const next = entryOf(at.value, step);
    if (next === undefined) return { ...at, found: false };
    at = next;
  }
  return { ...at, found: true };
}

interface Entry {
  key: Node | undefined;
  value: Node | null;
}

function entryOf(node: unknown, step: string | number): Entry | undefined {
  if (isSeq(node)) {
    const item = node.items[step as number] as Node | undefined;
    return item && { key: item, value: item };
  }
  const pair = isMap(node)
    ? (node as YAMLMap).items.findLast((item) => isScalar(item.key) && String(item.key.value) === step)
    : undefined;
  return pair && { key: pair.key as Node, value: pair.value as Node | null };
}

/**
 * Where the character at `offset` of a scalar's value stands in its source. Folding, indentation and block
 * headers only touch white space, so that counting the other characters finds it; escapes make it the start.
 */
function offsetInSource(scalar: Scalar, text: string, offset: number): number {
  const [start, end] = scalar.range ?? [0, 0];
  const source = text.slice(start, end);
  const lead = scalar.type === Scalar.QUOTE_DOUBLE || scalar.type === Scalar.QUOTE_SINGLE ? 1 : 0;
  const isBlock = scalar.type === Scalar.BLOCK_FOLDED || scalar.type === Scalar.BLOCK_LITERAL;
  const from = isBlock ? source.indexOf("\n") : lead;
  const body = source.slice(from, source.length - lead);
  const value = String(scalar.value);
  // In single quotes, two of them are one.
  const pattern = scalar.type === Scalar.QUOTE_SINGLE ? /''|\S/g : /\S/g;
  const shown = [...body.matchAll(pattern)];
  if (shown.map(([character]) => character[0]).join("") !== withoutSpace(value)) return 0;
  const found = shown[withoutSpace(value.slice(0, offset)).length];
  return from + (found?.index ?? body.trimEnd().length);
}

function withoutSpace(text: string): string {
  return text.replace(/\s/g, "");
}
