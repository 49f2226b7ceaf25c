/** What is committed is what the definitions say. To bring it up to date: `cdc-features render`, and `vitest -u` for the schema. */
import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import type { FeatureSet } from "../../src/definition/feature-set.ts";
import { parseDefinition } from "../../src/definition/parse-definition.ts";
import { jsonSchema } from "../../src/definition/written.ts";
import { LINE_WIDTH } from "../../src/render/python-layout.ts";
import { checkJob, provenanceOf } from "../../src/render/write-job.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));
const jobs = path.join(root, "spark-jobs");
const definitions = readdirSync(path.join(root, "features")).filter((name) => name.endsWith(".yaml"));

/** Of a job's declaration, evaluated by the library without Spark. */
function declaration(job: string): unknown {
  const script = `
import ast, json, sys
from cdc_features import durations, expressions, feature_set
tree = ast.parse(open(sys.argv[1], encoding="utf-8").read())
[value] = [node.value for node in tree.body if isinstance(node, ast.Assign)]
declared = eval(compile(ast.Expression(value), "job", "eval"), {**vars(expressions), **vars(feature_set)})
print(json.dumps({
    "lateness_ms": durations.milliseconds(declared.lateness_allowed),
    "length_ms": declared.window.length_ms,
    "features": [[feature.name, type(feature).__name__.lower()] for feature in declared.features],
}))`;
  return JSON.parse(execFileSync("python3", ["-B", "-c", script, job], { cwd: jobs, encoding: "utf8" }));
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
    const { window, watermarkMs, features } = parseDefinition(text, `features/${name}`)
      .featureSet as FeatureSet;
    const declared = declaration(path.join(jobs, name.replace(".yaml", "_features.py")));
    expect(declared).toEqual({
      lateness_ms: watermarkMs + window.retentionMs,
      length_ms: window.lengthMs,
      features: features.map((feature) => [feature.name, feature.kind]),
    });
  });
});

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
