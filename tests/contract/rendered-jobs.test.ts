/** What is committed is what the definitions say. To bring it up to date: `cdc-features render`, and `vitest -u` for the schema. */
import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { type Expression, type FeatureSet, isAsOfNow } from "../../src/definition/feature-set.ts";
import { parseDefinition } from "../../src/definition/parse-definition.ts";
import { jsonSchema } from "../../src/definition/written.ts";
import { LINE_WIDTH } from "../../src/render/python-layout.ts";
import { checkJob, provenanceOf, writeJob } from "../../src/render/write-job.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));
const jobs = path.join(root, "spark-jobs");
const definitionsIn = (folder: string) =>
  readdirSync(path.join(root, folder)).filter((name) => name.endsWith(".yaml"));
const definitions = definitionsIn("features");
const examples = definitionsIn("features/examples");

/** What the library reads in a job's declaration, without Spark; durations in milliseconds. */
function declaration(job: string): unknown {
  const script = `
import ast, dataclasses, json, sys
from cdc_features import durations, expressions, feature_set
tree = ast.parse(open(sys.argv[1], encoding="utf-8").read())
[value] = [node.value for node in tree.body if isinstance(node, ast.Assign)]
declared = eval(compile(ast.Expression(value), "job", "eval"), {**vars(expressions), **vars(feature_set)})
def shown(part, *durations_of):
    fields = dataclasses.asdict(part).items()
    return {name: durations.milliseconds(value) if name in durations_of else value for name, value in fields}
times = ["length", "slide", "granularity", "gap", "longest", "retention"]
print(json.dumps({
    "entity": declared.entity,
    "primary_key": declared.source.primary_key,
    "as_of_now": declared.as_of_now,
    "watermark_ms": durations.milliseconds(declared.watermark),
    "dead_letter_share": float(declared.dead_letter_share),
    "windows": [[type(window).__name__, shown(window, *times)] for window in declared.windows],
    "features": [
        [feature.name, type(feature).__name__.lower(), getattr(feature, "window", None)]
        for feature in declared.features
    ],
}))`;
  return JSON.parse(execFileSync("python3", ["-B", "-c", script, job], { cwd: jobs, encoding: "utf8" }));
}

function expectedDeclaration(featureSet: FeatureSet): unknown {
  return {
    entity: featureSet.entity,
    primary_key: featureSet.source.primaryKey,
    as_of_now: isAsOfNow(featureSet),
    watermark_ms: featureSet.watermarkMs,
    dead_letter_share: featureSet.deadLetterShare,
    windows: featureSet.windows.map(({ kind, ...fields }) => [
      `${kind.charAt(0).toUpperCase()}${kind.slice(1)}Window`,
      Object.fromEntries(Object.entries(fields).map(([name, value]) => [name.replace(/Ms$/, ""), value])),
    ]),
    features: featureSet.features.map((feature) => [
      feature.name,
      feature.kind.replaceAll("_", ""),
      "window" in feature ? feature.window : null,
    ]),
  };
}

test("both built-in sets are there", () => {
  expect(definitions).toEqual(["customer.yaml", "product.yaml"]);
});

describe.each(definitions)("%s", (name) => {
  const file = path.join(root, "features", name);
  const text = readFileSync(file, "utf8");

  test("its job is fresh", async () => {
    const { featureSet, diagnostics } = parseDefinition(text, `features/${name}`);
    expect(diagnostics).toEqual([]);
    const job = await checkJob(featureSet as FeatureSet, provenanceOf(file, text, root), jobs);
    expect(job.state).toBe("fresh");
  });

  test("the library reads its declaration as the definition means it", () => {
    const { featureSet } = parseDefinition(text, `features/${name}`);
    const job = path.join(jobs, name.replace(".yaml", "_features.py"));
    expect(declaration(job)).toEqual(expectedDeclaration(featureSet as FeatureSet));
  });
});

describe.each(examples)("examples/%s", (name) => {
  const file = path.join(root, "features/examples", name);
  const text = readFileSync(file, "utf8");
  const { featureSet, diagnostics } = parseDefinition(text, `features/examples/${name}`);

  test("has no problem, and the library reads its job as the definition means it", async () => {
    expect(diagnostics).toEqual([]);
    const folder = await mkdtemp(path.join(os.tmpdir(), "cdc-features-"));
    const job = await writeJob(featureSet as FeatureSet, provenanceOf(file, text, root), folder);
    expect(declaration(job.path)).toEqual(expectedDeclaration(featureSet as FeatureSet));
    await rm(folder, { recursive: true });
  });

  test("describes each of its features", () => {
    const silent = featureSet?.features.filter(({ description }) => description === "");
    expect(silent).toEqual([]);
  });
});

test("customer_360 has every kind of feature, every aggregate, measure and function", () => {
  const file = "features/examples/customer_360.yaml";
  const { featureSet } = parseDefinition(readFileSync(path.join(root, file), "utf8"), file);
  const used = new Set<string>();
  for (const feature of featureSet?.features ?? []) {
    used.add(feature.kind);
    if (feature.kind === "aggregated") used.add(feature.aggregate);
    if (feature.kind === "behavioural") used.add(feature.measure);
    if (feature.kind === "derived") for (const op of operationsIn(feature.expression)) used.add(op);
  }
  const all = [
    ...["aggregated", "point_in_time", "behavioural", "derived"],
    ...["count", "sum", "avg", "min", "max", "first", "last", "count_distinct"],
    ...["recency", "frequency", "velocity"],
    ...["coalesce", "ratio", "bucket", "cross"],
  ];
  expect(all.filter((one) => !used.has(one))).toEqual([]);
  expect(featureSet?.windows.map(({ name, kind }) => `${name} ${kind}`)).toEqual([
    "1h rolling",
    "1d rolling",
    "7d rolling",
    "30d rolling",
    "90d rolling",
    "visit session",
    "lifetime unbounded",
  ]);
});

function operationsIn(expression: Expression): string[] {
  if ("arguments" in expression) return [expression.op, ...expression.arguments.flatMap(operationsIn)];
  if ("left" in expression)
    return [expression.op, ...operationsIn(expression.left), ...operationsIn(expression.right)];
  return [expression.op];
}

test("every job has a definition", () => {
  const rendered = readdirSync(jobs).filter((name) => name.endsWith("_features.py"));
  expect(rendered).toEqual(definitions.map((name) => name.replace(".yaml", "_features.py")));
});

test("the schema for editors is the one that definitions are checked with", async () => {
  const schema = `${JSON.stringify(jsonSchema(), null, 2)}\n`;
  await expect(schema).toMatchFileSnapshot("../../features/feature-set.schema.json");
});

test("jobs are as wide as ruff would have them", () => {
  const settings = readFileSync(path.join(jobs, "pyproject.toml"), "utf8");
  expect(Number(/^line-length = (\d+)$/m.exec(settings)?.[1])).toBe(LINE_WIDTH);
});
