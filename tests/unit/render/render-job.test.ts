import { readFileSync } from "node:fs";
import fc from "fast-check";
import { expect, test } from "vitest";
import type { Expression, Feature, FeatureSet } from "../../../src/definition/feature-set.ts";
import { LINE_WIDTH } from "../../../src/render/python-layout.ts";
import { renderJob } from "../../../src/render/render-job.ts";
import { python } from "./python.ts";

const readTemplate = (name: string) =>
  readFileSync(new URL(`../../../templates/${name}`, import.meta.url), "utf8");
const provenance = { file: "features/shopper.yaml", sha256: "0123456789abcdef".repeat(4) };
const day = 86_400_000;

const SHOPPER: FeatureSet = {
  name: "shopper",
  description: "Orders of a shopper",
  entity: "customer_id",
  source: {
    schema: "public",
    table: "orders",
    primaryKey: "order_id",
    eventTime: "created_at",
    columns: [
      { name: "order_id", type: { kind: "bigint" } },
      { name: "customer_id", type: { kind: "text" } },
      { name: "amount", type: { kind: "decimal", precision: 12, scale: 0, encoding: "precise" } },
      { name: "created_at", type: { kind: "timestamp", unit: "millis" } },
    ],
  },
  window: { kind: "tumbling", lengthMs: day, retentionMs: 36 * 3_600_000 },
  watermarkMs: 90_000,
  features: [
    { name: "orders", description: "", type: { kind: "bigint" }, kind: "aggregated", aggregate: "count" },
    {
      name: "recency",
      description: "",
      type: { kind: "integer" },
      kind: "behavioural",
      measure: "recency",
      unit: "days",
    },
  ],
};

function derived(expression: Expression, digits?: number): Feature {
  const type = digits === undefined ? ({ kind: "boolean" } as const) : ({ kind: "decimal", digits } as const);
  return { name: "derived", description: "", type, kind: "derived", expression };
}

test("a whole job", async () => {
  const source = renderJob(SHOPPER, provenance, readTemplate);
  await expect(source).toMatchFileSnapshot("./shopper_features.py.snapshot");
});

test("every operator has its function, and only what is used is imported", () => {
  const names = { "+": "add", "-": "subtract", "*": "multiply", "/": "divide" };
  const comparisons = {
    ">": "greater",
    ">=": "greater_or_equal",
    "<": "less",
    "<=": "less_or_equal",
    "=": "equal",
    "!=": "not_equal",
  };
  for (const [op, name] of Object.entries({ ...names, ...comparisons })) {
    const expression = {
      op,
      left: { op: "feature", name: "orders" },
      right: { op: "literal", value: "-1.50" },
    } as Expression;
    const digits = op in names ? 0 : undefined;
    const source = renderJob(
      { ...SHOPPER, features: [derived(expression, digits)] },
      provenance,
      readTemplate,
    );
    const keyword = digits === undefined ? "" : ", digits=0";
    expect(source).toContain(
      `        Derived("derived", ${name}(feature("orders"), literal("-1.50"))${keyword}),\n`,
    );
    expect(source).toContain(`
from cdc_features.expressions import ${["feature", "literal", name].sort().join(", ")}
from cdc_features.feature_set import Column, Derived, FeatureSet, Source, TumblingWindow
`);
  }
});

test("no description and no path can break out of the docstring", () => {
  const nasty = [
    '"""',
    "\\",
    'ends with "',
    'import os"""\nimport os',
    "\\N{",
    "a\0b",
    "\u202e",
    "{{name}}",
    "{{{",
  ];
  const texts = [
    ...nasty,
    ...fc.sample(fc.string({ unit: "binary", minLength: 1 }), { numRuns: 200, seed: 4 }),
  ];
  const sources = texts.map((text) =>
    renderJob({ ...SHOPPER, description: text }, { ...provenance, file: text }, readTemplate),
  );
  const script = `import ast
trees = [ast.parse(source) for source in value]
result = [[len(tree.body), ast.get_docstring(tree, clean=False)] for tree in trees]`;
  for (const [index, [statements, docstring]] of (python(script, sources) as [number, string][]).entries()) {
    expect(statements).toBe(7);
    expect(oneLine(docstring)).toContain(oneLine(`from ${texts[index]} (sha256 0123456789ab).`));
  }
});

const oneLine = (text: string) => text.replace(/\s+/g, " ");

test("lines stay within the width, whatever the names", () => {
  const long = (letter: string) => letter.repeat(63);
  const sum: Expression = {
    op: "+",
    left: { op: "feature", name: long("a") },
    right: { op: "feature", name: long("b") },
  };
  const source = renderJob(
    {
      ...SHOPPER,
      description: "Orders of a shopper ".repeat(20).trim(),
      entity: long("e"),
      source: {
        ...SHOPPER.source,
        columns: [
          { name: long("c"), type: { kind: "decimal", precision: 38, scale: 18, encoding: "precise" } },
        ],
      },
      features: [
        {
          name: long("a"),
          description: "",
          type: { kind: "bigint" },
          kind: "aggregated",
          aggregate: "count_distinct",
          column: long("c"),
        },
        derived({ op: "*", left: sum, right: sum }, 18),
      ],
    },
    provenance,
    readTemplate,
  );
  for (const line of source.split("\n")) expect(line.length).toBeLessThanOrEqual(LINE_WIDTH);
  expect(python("import ast\nresult = len(ast.parse(value).body)", source)).toBe(8);
});

test.each([
  ["a value", "{{name}}", "{{nam}}", '"nam" not defined'],
  ["a literal", "{{py primaryKey}}", "{{py primary_key}}", "a value is missing"],
  ["an argument", "measure unit=unit", "measures unit=unit", "a value is missing"],
  ["a keyword", "measure unit=unit", "measure unit=units", "a value is missing"],
  ["a list", "{{#each columns}}", "{{#each colums}}", "{{#each}} needs a list"],
])("a template that misspells %s is refused", (_, right, wrong, message) => {
  const misspelt = (name: string) => readTemplate(name).replace(right, wrong);
  expect(() => renderJob(SHOPPER, provenance, misspelt)).toThrow(message);
});
