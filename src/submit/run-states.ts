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
  return names.sort().map((featureSet) => ({ featureSet, folder: runFolder(stateDir, featureSet) }));
}

/** Which stores a set's runs have written, whether always in step, and whether some in real time; undefined before the first run. */
export async function storesWritten(
  stateDir: string,
  featureSet: string,
): Promise<{ sink: Exclude<Sink, "console">; inStep: boolean; realtime: boolean } | undefined> {
  const folders: string[] = await readdir(path.join(stateDir, "checkpoints", featureSet)).catch(() => []);
  // A job in real-time mode writes both stores, too, and at the same positions in the log.
  const written = folders.map((folder) => (folder === "realtime" ? "dual" : folder));
  const sinks = (["dual", "redis", "parquet"] as const).filter((sink) => written.includes(sink));
  const [first] = sinks;
  if (first === undefined) return undefined;
  return {
    sink: sinks.length > 1 ? "dual" : first,
    inStep: sinks.length === 1,
    realtime: folders.includes("realtime"),
  };
}
