/** What is wrong with a definition as YAML, before it is looked at as a definition. */
import { type Document, isScalar, type Node, Scalar, visit } from "yaml";
import { CUT_AT_COMMA } from "./expression/cut.ts";

export interface Place {
  line: number;
  column: number;
}

export interface YamlProblem extends Place {
  rule: string;
  message: string;
}

export function syntaxProblems(
  document: Document,
  text: string,
  place: (offset: number) => Place,
): YamlProblem[] {
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
          if (/quote/.test(message))
            return at("yaml-syntax", "this quote is never closed", startOfLastQuoted(document));
          return at("yaml-syntax", isInCutExpression(text, pos[0]) ? CUT_AT_COMMA : message);
        default:
          return at("yaml-syntax", message);
      }
    },
  );
  // After the first one the reader has lost its way.
  const firstError = problems.findIndex(({ rule }) => rule === "yaml-syntax");
  return problems.filter(({ rule }, index) => rule !== "yaml-syntax" || index === firstError);
}

/** `{ expression: coalesce(name, 'none') }`: the text after the comma looks like a key in quotes. */
function isInCutExpression(text: string, offset: number): boolean {
  const line = text.slice(text.lastIndexOf("\n", offset - 1) + 1, offset);
  return /\{[^}]*expression: *[^"'\s][^}]*,[^}]*$/.test(line);
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
export function unusedYaml(document: Document, place: (offset: number) => Place): YamlProblem[] {
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

export function noMapping(contents: unknown): Pick<YamlProblem, "rule" | "message"> {
  const isEmpty = contents === null || (isScalar(contents) && contents.value === null);
  return isEmpty
    ? { rule: "empty-file", message: "there is no definition in this file" }
    : {
        rule: "wrong-value",
        message: "a definition is a mapping with name, description, entity, source, … as its keys",
      };
}
