/** The runs that a project has seen. */
import { readdir } from "node:fs/promises";
import path from "node:path";
import { type RunFolder, runFolder } from "./run-folder.ts";
import { runningJob } from "./run.ts";

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
