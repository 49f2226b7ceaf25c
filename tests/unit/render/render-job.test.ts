import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type {
  Expression,
  Feature,
  FeatureComputation,
  FeatureSet,
  FeatureType,
  Source,
  Window,
} from "../../../src/definition/feature-set.ts";
import { LINE_WIDTH } from "../../../src/render/python-layout.ts";
import { renderJob } from "../../../src/render/render-job.ts";
import { DRIFT } from "../verify/sets.ts";
import { python } from "./python.ts";

const readTemplate = (name: string) =>
  readFileSync(new URL(`../../../templates/${name}`, import.meta.url), "utf8");
const provenance = { file: "features/shopper.yaml", sha256: "0123456789abcdef".repeat(4) };
const hour = 3_600_000;
const day = 24 * hour;

const SHOPPER: FeatureSet = {
  name: "shopper",
  description: "Orders of a shopper",
  entity: ["customer_id"],
  source: {
    schema: "public",
    table: "orders",
    primaryKey: ["order_id"],
    eventTime: "created_at",
    appendOnly: false,
    format: "envelope",
    replicaIdentity: "full",
    immutable: [],
    columns: [
      { name: "order_id", type: { kind: "bigint" } },
      { name: "customer_id", type: { kind: "text" } },
      { name: "amount", type: { kind: "decimal", precision: 12, scale: 0, encoding: "precise" } },
      { name: "created_at", type: { kind: "timestamp", unit: "millis" } },
    ],
  },
  windows: [{ kind: "tumbling", name: "default", lengthMs: day, retentionMs: 36 * hour }],
  watermarkMs: 90_000,
  deadLetterShare: 0.2,
  validation: [],
  scheduleMs: null,
  slos: {},
  drift: DRIFT,
  mode: "micro-batch",
  features: [
    feature("orders", { kind: "bigint" }, { kind: "aggregated", aggregate: "count", window: "default" }),
    feature(
      "recency",
      { kind: "integer" },
      { kind: "behavioural", measure: "recency", unit: "days", window: "default" },
    ),
  ],
};

function feature(name: string, type: FeatureType, computation: FeatureComputation): Feature {
  return { name, description: "", type, ...computation };
}

function derived(expression: Expression, type: FeatureType = { kind: "boolean" }): Feature {
  return feature("derived", type, { kind: "derived", expression });
}

function rendered(changes: Partial<FeatureSet> = {}, source: Partial<Source> = {}): string {
  const featureSet = { ...SHOPPER, ...changes, source: { ...SHOPPER.source, ...source } };
  return renderJob(featureSet, provenance, readTemplate);
}

const reference = (name: string): Expression => ({ op: "feature", name });

test("a whole job", async () => {
  await expect(rendered()).toMatchFileSnapshot("./shopper_features.py.snapshot");
});

test("a whole job of real-time mode", async () => {
  await expect(rendered({ mode: "realtime" })).toMatchFileSnapshot("./realtime_features.py.snapshot");
});

test("a whole job of rows that never change", async () => {
  const changes: Partial<FeatureSet> = {
    name: "arrivals",
    entity: ["region", "customer_id"],
    windows: [{ kind: "sliding", name: "default", lengthMs: 7 * day, slideMs: day, retentionMs: 0 }],
    deadLetterShare: 0.05,
  };
  const job = rendered(changes, { appendOnly: true, format: "flattened", replicaIdentity: "default" });
  await expect(job).toMatchFileSnapshot("./arrivals_features.py.snapshot");
});

describe("windows", () => {
  const windows: [Window, string, string][] = [
    [
      { kind: "tumbling", name: "default", lengthMs: 7 * day, retentionMs: 0 },
      'TumblingWindow("7 days", retention="0 days")',
      'windows.tumbling("event_time", "7 days")',
    ],
    [
      { kind: "sliding", name: "a_week", lengthMs: 7 * day, slideMs: hour, retentionMs: day },
      'SlidingWindow("7 days", slide="1 hour", retention="1 day", name="a_week")',
      'windows.sliding("event_time", "7 days", "1 hour")',
    ],
    [
      { kind: "rolling", name: "1h", lengthMs: hour, granularityMs: 300_000 },
      'RollingWindow("1 hour", granularity="5 minutes", name="1h")',
      "windows.containers(FEATURE_SET)",
    ],
    [
      { kind: "session", name: "visit", gapMs: 1_800_000, longestMs: day, retentionMs: 7 * day },
      'SessionWindow("30 minutes", longest="1 day", retention="7 days", name="visit")',
      "windows.containers(FEATURE_SET)",
    ],
    [{ kind: "unbounded", name: "all" }, 'UnboundedWindow(name="all")', "windows.containers(FEATURE_SET)"],
    [{ kind: "unbounded", name: "default" }, "UnboundedWindow()", "windows.containers(FEATURE_SET)"],
  ];

  test.each(windows)("$kind", (window, declared, grouping) => {
    const job = rendered({ windows: [window] });
    expect(job).toContain(`\n    windows=[${declared}],\n`);
    expect(job).toContain(
      `\n        .withColumn("window", ${grouping})\n        .groupBy("entity", "window")\n`,
    );
    const className = declared.slice(0, declared.indexOf("("));
    expect(job).toMatch(new RegExp(`^from cdc_features.feature_set import .*\\b${className}\\b`, "m"));
  });

  test("several are one as-of set, whatever they are, each on a line when they are many", () => {
    const several = windows.map(([window]) => window);
    const job = rendered({ windows: several });
    expect(job).toContain(
      `\n    windows=[\n${windows.map(([, declared]) => `        ${declared},\n`).join("")}    ],\n`,
    );
    expect(job).toContain('.withColumn("window", windows.containers(FEATURE_SET))');
    expect(rendered({ windows: several.slice(0, 2) })).toContain("windows.containers(FEATURE_SET)");
  });
});

test.each<[Feature, string]>([
  [
    feature(
      "spend",
      { kind: "bigint" },
      { kind: "aggregated", aggregate: "sum", column: "amount", window: "7d" },
    ),
    'Aggregated("spend", "sum", column="amount", window="7d")',
  ],
  [
    feature(
      "average",
      { kind: "decimal", digits: 0 },
      { kind: "aggregated", aggregate: "avg", column: "amount", window: "default" },
    ),
    'Aggregated("average", "avg", column="amount", digits=0)',
  ],
  [
    feature(
      "greatest",
      { kind: "decimal", digits: 2 },
      { kind: "aggregated", aggregate: "max", column: "amount", window: "7d" },
    ),
    'Aggregated("greatest", "max", column="amount", window="7d")',
  ],
  [
    feature("segment", { kind: "text" }, { kind: "point_in_time", column: "segment", window: "all" }),
    'PointInTime("segment", column="segment", window="all")',
  ],
  [
    feature(
      "per_day",
      { kind: "decimal", digits: 2 },
      { kind: "behavioural", measure: "frequency", unit: "day", window: "7d" },
    ),
    'Behavioural("per_day", "frequency", unit="day", digits=2, window="7d")',
  ],
  [
    feature(
      "pace",
      { kind: "decimal", digits: 3 },
      { kind: "behavioural", measure: "velocity", window: "default" },
    ),
    'Behavioural("pace", "velocity", digits=3)',
  ],
  [
    derived({ op: ">", left: reference("a"), right: reference("b") }),
    'Derived("derived", greater(feature("a"), feature("b")))',
  ],
  [
    derived({ op: "coalesce", arguments: [reference("a"), { op: "text", value: "it's" }] }, { kind: "text" }),
    `Derived("derived", coalesce(feature("a"), text("it's")), type="text")`,
  ],
  [
    derived(
      { op: "ratio", arguments: [reference("a"), reference("b"), { op: "literal", value: "-1" }] },
      { kind: "decimal", digits: 4 },
    ),
    'Derived("derived", ratio(feature("a"), feature("b"), literal("-1")), digits=4)',
  ],
  [
    derived(
      { op: "bucket", arguments: [reference("a"), { op: "literal", value: "10.50" }] },
      { kind: "integer" },
    ),
    'Derived("derived", bucket(feature("a"), literal("10.50")), type="integer")',
  ],
  [
    derived({ op: "cross", arguments: [reference("a"), reference("b")] }, { kind: "text" }),
    'Derived("derived", cross(feature("a"), feature("b")), type="text")',
  ],
])("a feature: %o", (one, declared) => {
  const job = rendered({ features: [one] });
  expect(job).toContain(`    features=[\n        ${declared},\n    ],\n`);
  const [className, ...functions] = [...declared.matchAll(/\w+(?=\()/g)].map(String);
  expect(job).toMatch(new RegExp(`^from cdc_features.feature_set import (.*, )?${className}\\b`, "m"));
  const imported = /^from cdc_features.expressions import (.*)$/m.exec(job)?.[1];
  expect(imported ?? "").toBe([...new Set(functions)].sort().join(", "));
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
      left: reference("orders"),
      right: { op: "literal", value: "-1.50" },
    } as Expression;
    const type: FeatureType = op in names ? { kind: "decimal", digits: 0 } : { kind: "boolean" };
    const source = rendered({ features: [derived(expression, type)] });
    const keyword = op in names ? ", digits=0" : "";
    expect(source).toContain(
      `        Derived("derived", ${name}(feature("orders"), literal("-1.50"))${keyword}),\n`,
    );
    expect(source).toContain(`
from cdc_features.expressions import ${["feature", "literal", name].sort().join(", ")}
from cdc_features.feature_set import Column, Derived, FeatureSet, Source, TumblingWindow
`);
  }
});

const NASTY = [
  "'",
  '"',
  "''",
  '"""',
  "\\",
  'ends with "',
  'import os"""\nimport os',
  '"))\nimport os #',
  "\\N{",
  "a\0b",
  "\r\n",
  "\u2028",
  "\u202e",
  "{{name}}",
  "{{{",
  "{{> header}}",
  "{{#each columns}}",
  "{x}",
  "%s",
  "日本 😀",
];
const anyText = fc.oneof(
  fc.string({ unit: "binary", minLength: 1 }),
  fc.array(fc.constantFrom(...NASTY), { minLength: 1 }).map((parts) => parts.join("")),
);

test("no description and no path can break out of the docstring", () => {
  const texts = [...NASTY, ...fc.sample(anyText, { numRuns: 200, seed: 4 })];
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

/** Every text of the declaration as Python reads it: its names, its options, and the texts of expressions. */
const TEXTS_OF_JOB = `import ast
result = []
for source in value:
    tree = ast.parse(source)
    [declaration] = [node.value for node in tree.body if isinstance(node, ast.Assign)]
    texts = [node.value for node in ast.walk(declaration) if isinstance(node, ast.Constant) and isinstance(node.value, str)]
    result.append([len(tree.body), sorted({node.func.id for node in ast.walk(declaration) if isinstance(node, ast.Call)}), texts])`;

test("no text of an expression, and no name, gets into the code but as a literal", () => {
  const texts = [...NASTY, ...fc.sample(anyText, { numRuns: 200, seed: 5 })];
  // Rules allow hardly any of these names; rendering does not rely on it.
  const sources = texts.map((text) =>
    rendered(
      {
        name: text,
        entity: [text, "customer_id"],
        windows: [
          { kind: "unbounded", name: text },
          { kind: "rolling", name: "1h", lengthMs: hour, granularityMs: hour },
        ],
        features: [
          { ...feature(text, { kind: "text" }, { kind: "point_in_time", column: text, window: text }) },
          derived({ op: "=", left: reference(text), right: { op: "text", value: text } }),
          derived(
            { op: "cross", arguments: [{ op: "text", value: text }, reference("a")] },
            { kind: "text" },
          ),
        ],
      },
      {
        schema: text,
        table: "",
        primaryKey: [text],
        eventTime: text,
        columns: [{ name: text, type: { kind: "text" } }],
      },
    ),
  );
  const jobs = python(TEXTS_OF_JOB, sources) as [number, string[], string[]][];
  for (const [index, [statements, calls, found]] of jobs.entries()) {
    const text = texts[index] as string;
    expect(statements).toBe(8);
    expect(calls).toEqual(
      [
        "Column",
        "Derived",
        "FeatureSet",
        "PointInTime",
        "RollingWindow",
        "Source",
        "UnboundedWindow",
        "cross",
        "equal",
        "feature",
        "text",
      ].sort(),
    );
    // set, entity, key, event time, column, window, feature with its column and window, two operands, one value
    expect(found.filter((one) => one === text)).toHaveLength(12);
    expect(found).toContain(`${text}.`);
  }
});

const oneLine = (text: string) => text.replace(/\s+/g, " ");

test("lines stay within the width, whatever the names", () => {
  const long = (letter: string) => letter.repeat(63);
  const sum: Expression = { op: "+", left: reference(long("a")), right: reference(long("b")) };
  const source = rendered(
    {
      description: "Orders of a shopper ".repeat(20).trim(),
      entity: [long("e"), long("f"), long("g")],
      windows: [
        { kind: "session", name: long("w"), gapMs: 1, longestMs: 1, retentionMs: 1 },
        { kind: "unbounded", name: long("v") },
      ],
      features: [
        feature(
          long("a"),
          { kind: "bigint" },
          { kind: "aggregated", aggregate: "count_distinct", column: long("c"), window: long("w") },
        ),
        derived({ op: "*", left: sum, right: sum }, { kind: "decimal", digits: 18 }),
        derived({ op: "cross", arguments: [sum, sum, { op: "text", value: "x" }] }, { kind: "text" }),
      ],
    },
    {
      primaryKey: [long("k"), long("l")],
      columns: [
        { name: long("c"), type: { kind: "decimal", precision: 38, scale: 18, encoding: "precise" } },
      ],
    },
  );
  for (const line of source.split("\n")) expect(line.length).toBeLessThanOrEqual(LINE_WIDTH);
  expect(python("import ast\nresult = len(ast.parse(value).body)", source)).toBe(8);
});

test.each([
  ["a value", "{{name}}", "{{nam}}", '"nam" not defined'],
  ["a literal", "{{py grouping}}", "{{py group}}", "a value is missing"],
  ["a keyword of its own line", '"table" table', '"table" tabel', "a value is missing"],
  ["an argument", "measure unit=unit", "measures unit=unit", "a value is missing"],
  ["a keyword", "measure unit=unit", "measure unit=units", "a value is missing"],
  ["a list", "{{#each columns}}", "{{#each colums}}", "{{#each}} needs a list"],
])("a template that misspells %s is refused", (_, right, wrong, message) => {
  const misspelt = (name: string) => readTemplate(name).replace(right, wrong);
  expect(() => renderJob(SHOPPER, provenance, misspelt)).toThrow(message);
});
