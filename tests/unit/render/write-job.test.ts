import { mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { FeatureSet } from "../../../src/definition/feature-set.ts";
import { parseDefinition } from "../../../src/definition/parse-definition.ts";
import { checkJob, provenanceOf, writeJob } from "../../../src/render/write-job.ts";
import { SHOPPER } from "../definition/shopper.ts";

const featureSet = parseDefinition(SHOPPER, "shopper.yaml").featureSet as FeatureSet;
const provenance = provenanceOf("/project/features/shopper.yaml", SHOPPER, "/project");
let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), "cdc-features-"));
});

afterEach(async () => {
  await rm(folder, { recursive: true });
});

test("a job is written once, left alone while fresh, and replaced when stale", async () => {
  const file = path.join(folder, "shopper_features.py");
  expect(await checkJob(featureSet, provenance, folder)).toEqual({ path: file, state: "missing" });
  expect(await readdir(folder)).toEqual([]);

  expect((await writeJob(featureSet, provenance, folder)).state).toBe("missing");
  const written = await readFile(file, "utf8");
  expect(written).toContain('FEATURE_SET = FeatureSet(\n    name="shopper",');
  const { ino } = await stat(file);
  expect((await writeJob(featureSet, provenance, folder)).state).toBe("fresh");
  expect((await stat(file)).ino).toBe(ino);

  await writeFile(file, `${written}# changed by hand\n`);
  expect((await checkJob(featureSet, provenance, folder)).state).toBe("stale");
  expect((await writeJob(featureSet, provenance, folder)).state).toBe("stale");
  expect(await readFile(file, "utf8")).toBe(written);
  expect(await readdir(folder)).toEqual(["shopper_features.py"]);
});

test("a definition is told relative to its project, and by the same hash on every system", () => {
  expect(provenance.file).toBe("features/shopper.yaml");
  const onWindows = provenanceOf(
    "/project/features/shopper.yaml",
    SHOPPER.replaceAll("\n", "\r\n"),
    "/project",
  );
  expect(onWindows.sha256).toBe(provenance.sha256);
  const changed = provenanceOf("/project/features/shopper.yaml", `${SHOPPER}\n`, "/project");
  expect(changed.sha256).not.toBe(provenance.sha256);
});
