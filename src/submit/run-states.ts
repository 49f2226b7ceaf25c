/** The runs that a project has seen. */
import { readdir } from "node:fs/promises";
import path from "node:path";
import { runningJob } from "./run.ts";
import { type RunFolder, runFolder, type Sink } from "./run-folder.ts";

export interface RunState {
  featureSet: string;
  /** Of the living job */
  pid: number | undefined;
  log: string;
}

export async function runStates(stateDir: string): Promise<RunState[]> {
  return Promise.all(
    (await runFolders(stateDir)).map(async ({ featureSet, folder }) => ({
      featureSet,
      pid: (await runningJob(folder))?.pid,
      log: folder.log,
    })),
  );
}

export async function runFolders(stateDir: string): Promise<{ featureSet: string; folder: RunFolder }[]> {
  const names = await readdir(path.join(stateDir, "runs")).catch(() => []);
  return names.sort().map((featureSet) => ({ featureSet, folder: runFolder(stateDir, featureSet, "dual") }));
}

/** Which stores a set's runs have written; undefined before the first run. */
export async function sinkOf(
  stateDir: string,
  featureSet: string,
): Promise<Exclude<Sink, "console"> | undefined> {
  const sinks: string[] = await readdir(path.join(stateDir, "checkpoints", featureSet)).catch(() => []);
  if (sinks.includes("dual") || (sinks.includes("redis") && sinks.includes("parquet"))) return "dual";
  return sinks.includes("redis") ? "redis" : sinks.includes("parquet") ? "parquet" : undefined;
}
