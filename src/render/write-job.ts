/** Rendered jobs as files. */
import { readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import type { FeatureSet } from "../definition/feature-set.ts";
import { readIfExists, sha256, writeFileAtomic } from "../platform/files.ts";
import type { Provenance } from "./job-view.ts";
import { renderJob } from "./render-job.ts";

const TEMPLATES = fileURLToPath(new URL("../../templates/", import.meta.url));

export interface JobFile {
  path: string;
  /** What the file was before: `fresh` files are not touched. */
  state: "fresh" | "stale" | "missing";
}

/** Where a definition's text comes from; a checkout with other line ends is still the same definition. */
export function provenanceOf(file: string, text: string, projectFolder: string): Provenance {
  const relative = path.relative(projectFolder, file).split(path.sep).join("/");
  return { file: relative, sha256: sha256(text.replaceAll("\r\n", "\n")) };
}

/** Looks at the job in `folder` without changing it. */
export async function checkJob(
  featureSet: FeatureSet,
  provenance: Provenance,
  folder: string,
): Promise<JobFile> {
  const { file, source } = jobOf(featureSet, provenance, folder);
  const present = await readIfExists(file);
  return { path: file, state: present === undefined ? "missing" : present === source ? "fresh" : "stale" };
}

/** Brings the job in `folder` up to date. */
export async function writeJob(
  featureSet: FeatureSet,
  provenance: Provenance,
  folder: string,
): Promise<JobFile> {
  const job = await checkJob(featureSet, provenance, folder);
  if (job.state !== "fresh") await writeFileAtomic(job.path, jobOf(featureSet, provenance, folder).source);
  return job;
}

function jobOf(featureSet: FeatureSet, provenance: Provenance, folder: string) {
  return {
    file: path.join(folder, `${featureSet.name}_features.py`),
    source: renderJob(featureSet, provenance, (name) => readFileSync(path.join(TEMPLATES, name), "utf8")),
  };
}
