/** YAML text with the places of its keys and values. */
import {
  type Document,
  isMap,
  isScalar,
  type Node,
  type Pair,
  parseDocument,
  Scalar,
  type YAMLMap,
} from "yaml";
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
      const node = lookUp(document, path).pair?.value;
      return isScalar(node) && Number.isFinite(node.value) ? node.source : undefined;
    },
  };
}

function offsetOf(
  { path, atKey, offset }: Pick<Finding, "path" | "atKey" | "offset">,
  document: Document,
  text: string,
) {
  const { pair, found } = lookUp(document, path);
  const key = pair?.key as Node | undefined;
  const value = pair?.value as Node | null | undefined;
  const node = atKey || !found || value?.range === undefined ? key : value;
  const start = node?.range?.[0] ?? document.contents?.range?.[0] ?? 0;
  if (offset === undefined || node !== value || !isScalar(value)) return start;
  return start + offsetInSource(value, text, offset);
}

/** The pair at a path, or the last one on the way there. */
function lookUp(document: Document, path: Path): { pair: Pair | undefined; found: boolean } {
  let pair: Pair | undefined;
  let node: unknown = document.contents;
  for (const key of path) {
    const next: Pair | undefined = isMap(node)
      ? (node as YAMLMap).items.findLast((item) => isScalar(item.key) && String(item.key.value) === key)
      : undefined;
    if (next === undefined) return { pair, found: false };
    pair = next;
    node = next.value;
  }
  return { pair, found: true };
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
  if (withoutSpace(body) !== withoutSpace(value)) return 0;
  let left = withoutSpace(value.slice(0, offset)).length;
  for (let index = 0; index < body.length; index++) {
    if (!/\s/.test(body[index] as string) && left-- === 0) return from + index;
  }
  return from + body.trimEnd().length;
}

function withoutSpace(text: string): string {
  return text.replace(/\s/g, "");
}
