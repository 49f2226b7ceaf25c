/** The runs that a project has seen. */
import { readdir } from "node:fs/promises";
import path from "node:path";
import { runningJob } from "./run.ts";
import { type Checkpoint, checkpointsOf, type RunFolder, runFolder, type Sink } from "./run-folder.ts";

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

/** Where the newest of a set's runs, as far as its sink tells, has its checkpoint; undefined before the first run. */
export async function checkpointInUse(stateDir: string, featureSet: string): Promise<Checkpoint | undefined> {
  const folders: string[] = await readdir(checkpointsOf(stateDir, featureSet)).catch(() => []);
  return (["dual", "realtime", "redis", "parquet"] as const).find((one) => folders.includes(one));
}

/** Which stores a set's runs have written, whether always in step, and whether some in real time; undefined before the first run. */
export async function storesWritten(
  stateDir: string,
  featureSet: string,
): Promise<{ sink: Exclude<Sink, "console">; inStep: boolean; realtime: boolean } | undefined> {
  const folders: string[] = await readdir(path.join(stateDir, "checkpoints", featureSet)).catch(() => []);
  const checkpoints = (["dual", "realtime", "redis", "parquet"] as const).filter((one) =>
    folders.includes(one),
  );
  const [first] = checkpoints;
  if (first === undefined) return undefined;
  return {
    // Several together have written both stores, as real-time mode does.
    sink: checkpoints.length > 1 || first === "realtime" ? "dual" : first,
    // Batches of two checkpoints that end at one position are one file, of the later one.
    inStep: checkpoints.length === 1,
    realtime: checkpoints.includes("realtime"),
  };
}
