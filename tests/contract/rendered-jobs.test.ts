/** What is committed is what the definitions say. To bring it up to date: `cdc-features render`, and `vitest -u` for the schema. */
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
});

test("every job has a definition", () => {
  const rendered = readdirSync(jobs).filter((name) => name.endsWith("_features.py"));
  expect(rendered).toEqual(definitions.map((name) => name.replace(".yaml", "_features.py")));
});

test("the schema for editors is the one that definitions are checked with", async () => {
  const schema = `${JSON.stringify(jsonSchema(), null, 2)}\n`;
  await expect(schema).toMatchFileSnapshot("../../features/feature-set.schema.json");
});

test("jobs are laid out for the width that ruff checks", () => {
  const settings = readFileSync(path.join(jobs, "pyproject.toml"), "utf8");
  expect(settings).toMatch(new RegExp(`^line-length = ${LINE_WIDTH}$`, "m"));
});
