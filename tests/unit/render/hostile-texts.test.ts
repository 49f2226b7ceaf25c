/** The whole way of a text, from the file to Python: it arrives as it is, and as nothing but a text. */
import { readFileSync } from "node:fs";
import fc from "fast-check";
import { expect, test } from "vitest";
import type { FeatureSet } from "../../../src/definition/feature-set.ts";
import { parseDefinition } from "../../../src/definition/parse-definition.ts";
import { renderJob } from "../../../src/render/render-job.ts";
import { python } from "./python.ts";

const readTemplate = (name: string) =>
  readFileSync(new URL(`../../../templates/${name}`, import.meta.url), "utf8");

const NASTY = [
  "",
  "'",
  '"',
  '"""',
  "\\",
  "\\'",
  '"))\nimport os #',
  "', text('",
  "{{name}}",
  "{{{py name}}}",
  "{{> header}}",
  "{x}",
  "%s",
  "$(id)",
  "`id`",
  "\n",
  "\r\n",
  "\t",
  "\0",
  "\u0085",
  "\u00a0",
  "\u2028",
  "\u202e",
  "\ufeff",
  "日本 😀",
  "é",
  "--",
  "#",
  "||",
  ") + (",
];

const anyText = fc.oneof(
  fc.string({ unit: "binary" }),
  fc.array(fc.constantFrom(...NASTY)).map((parts) => parts.join("")),
);
const texts = [...NASTY, ...fc.sample(anyText, { numRuns: 100, seed: 7 })];

/** In double quotes, everything but ASCII letters as an escape. */
function yaml(text: string): string {
  const escaped = text.replace(
    /[^A-Za-z0-9 ]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
  return `"${escaped}"`;
}

function definition(text: string): string {
  const literal = `'${text.replaceAll("'", "''")}'`;
  return `name: hostile
description: ${yaml(`About ${text}`)}
entity: customer_id
source:
  table: public.orders
  primary_key: order_id
  event_time: created_at
  columns: { order_id: bigint, customer_id: bigint, status: text, created_at: timestamp }
window: { type: unbounded }
watermark: 1 hour
parameters:
  wanted: ${yaml(text)}
features:
  status_now: { kind: point_in_time, column: status, description: ${yaml(`About ${text}`)} }
  is_it: { kind: derived, expression: ${yaml(`status_now = ${literal}`)} }
  is_wanted: { kind: derived, expression: status_now = wanted }
  crossed: { kind: derived, expression: ${yaml(`cross(coalesce(status_now, ${literal}), wanted)`)} }
`;
}

const SCRIPT = `import ast
result = []
for source in value:
    tree = ast.parse(source)
    [declaration] = [node.value for node in tree.body if isinstance(node, ast.Assign)]
    calls = [node for node in ast.walk(declaration) if isinstance(node, ast.Call)]
    literals = [ast.literal_eval(call.args[0]) for call in calls if call.func.id == "text"]
    result.append([[type(node).__name__ for node in tree.body], len(calls), literals, ast.get_docstring(tree, clean=False)])`;

test("texts of expressions, parameters and descriptions", () => {
  const sources = texts.map((text) => {
    const { featureSet, diagnostics } = parseDefinition(definition(text), "hostile.yaml");
    expect(diagnostics).toEqual([]);
    return renderJob(featureSet as FeatureSet, { file: "hostile.yaml", sha256: "0" }, readTemplate);
  });
  const jobs = python(SCRIPT, sources) as [string[], number, string[], string][];
  for (const [index, [statements, calls, literals, docstring]] of jobs.entries()) {
    const text = texts[index] as string;
    expect(statements).toEqual([
      "Expr",
      "ImportFrom",
      "ImportFrom",
      "ImportFrom",
      "ImportFrom",
      "Assign",
      "FunctionDef",
      "If",
    ]);
    // 11 of the declaration, 3 + 3 + 5 of expressions
    expect(calls).toBe(22);
    expect(literals).toEqual([text, text, text, text]);
    expect(docstring.replace(/\s+/g, " ")).toContain(`About ${text}`.replace(/\s+/g, " ").trim());
  }
});
