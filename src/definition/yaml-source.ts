/** YAML text with the places of its keys and values. */
import {
  type Document,
  isMap,
  isScalar,
  LineCounter,
  type Node,
  type Pair,
  parseDocument,
  Scalar,
  visit,
  type YAMLMap,
} from "yaml";
import type { Finding, Path } from "./diagnostics.ts";

export interface Place {
  line: number;
  column: number;
}

export interface YamlProblem extends Place {
  rule: string;
  message: string;
}

export interface YamlSource {
  /** Plain objects, arrays and scalars; undefined when the problems leave nothing to look into. */
  data: unknown;
  problems: YamlProblem[];
  /** Where a finding points to; for what is missing, the nearest mapping around it. */
  placeOf(finding: Pick<Finding, "path" | "atKey" | "offset">): Place;
  /** A number exactly as it was written. */
  numberText(path: Path): string | undefined;
}

export function readYaml(text: string): YamlSource {
  const lines = new LineCounter();
  const document = parseDocument(text, {
    lineCounter: lines,
    prettyErrors: false,
    merge: false,
    logLevel: "error",
  });
  const place = (offset: number): Place => {
    const { line, col } = lines.linePos(Math.min(offset, text.length));
    return { line: Math.max(line, 1), column: Math.max(col, 1) };
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
      return isScalar(node) && typeof node.value === "number" ? node.source : undefined;
    },
  };
}

function syntaxProblems(document: Document, text: string, place: (offset: number) => Place): YamlProblem[] {
  const problems = [...document.errors, ...document.warnings].flatMap(
    ({ code, message, pos }): YamlProblem[] => {
      const at = (rule: string, told: string, offset = pos[0]) => [{ ...place(offset), rule, message: told }];
      switch (code) {
        case "DUPLICATE_KEY":
          return at("duplicate-key", `${/^[^\s:]*/.exec(text.slice(pos[0]))?.[0]} is written twice`);
        case "MULTIPLE_DOCS":
          return at("one-document", "a file holds one definition; put this one into its own");
        case "TAG_RESOLVE_FAILED":
          return []; // Every tag is reported, resolved or not.
        case "MISSING_CHAR":
          return /quote/.test(message)
            ? at("yaml-syntax", "this quote is never closed", startOfLastQuoted(document))
            : at("yaml-syntax", message);
        default:
          return at("yaml-syntax", message);
      }
    },
  );
  // After the first one the reader has lost its way.
  const firstError = problems.findIndex(({ rule }) => rule === "yaml-syntax");
  return problems.filter(({ rule }, index) => rule !== "yaml-syntax" || index === firstError);
}

function startOfLastQuoted(document: Document): number | undefined {
  let start: number | undefined;
  visit(document, {
    Scalar: (_, { type, range }) => {
      if (type === Scalar.QUOTE_SINGLE || type === Scalar.QUOTE_DOUBLE) start = range?.[0];
    },
  });
  return start;
}

/** YAML that a definition does without, so that every value stands where it is used. */
function unusedYaml(document: Document, place: (offset: number) => Place): YamlProblem[] {
  const problems: YamlProblem[] = [];
  const report = (node: Node, rule: string, message: string) => {
    problems.push({ ...place(node.range?.[0] ?? 0), rule, message });
  };
  visit(document, {
    Alias: (_, node) => report(node, "yaml-anchor", `write the value out instead of *${node.source}`),
    Node: (_, node) => {
      if ("anchor" in node && node.anchor)
        report(node, "yaml-anchor", `anchors are not used here: &${node.anchor}`);
      if (node.tag) report(node, "yaml-tag", "tags are not used here");
    },
    Pair: (_, { key }) => {
      const isName = isScalar(key) && key.value !== null && key.value !== "__proto__";
      if (!isName) report(key as Node, "yaml-key", "a key must be plain text");
    },
  });
  return problems;
}

function noMapping(contents: unknown): Pick<YamlProblem, "rule" | "message"> {
  const isEmpty = contents === null || (isScalar(contents) && contents.value === null);
  return isEmpty
    ? { rule: "empty-file", message: "there is no definition in this file" }
    : {
        rule: "wrong-value",
        message: "a definition is a mapping with name, description, entity, source, … as its keys",
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
