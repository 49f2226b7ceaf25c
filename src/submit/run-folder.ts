/** Where a feature set's runs keep things, under the project's state folder. */
import path from "node:path";
import type { Mode } from "../definition/mode.ts";

export type Sink = "dual" | "redis" | "parquet" | "console";
export const SINKS: readonly Sink[] = ["dual", "redis", "parquet", "console"];

/** A folder with a checkpoint: one for each sink, since what a run wrote to Redis alone must still reach Parquet, and one for real-time mode. */
export type Checkpoint = Sink | "realtime";
export const CHECKPOINTS: readonly Checkpoint[] = [...SINKS, "realtime"];

/** Each Spark refuses what the other one's real-time mode wrote. */
export function checkpointOf({ sink, mode }: { sink: Sink; mode: Mode }): Checkpoint {
  return mode === "realtime" ? "realtime" : sink;
}

export interface RunFolder {
  folder: string;
  /** Held by the command that follows the job. */
  lock: string;
  /** The job's own process, for the case that its command was killed. */
  job: string;
  settings: string;
  /** The rendered job. */
  script: string;
  /** A job that finds this file ends after its batch. */
  stop: string;
  /** Spark's full log. */
  log: string;
  /** What its runs have told of their batches. */
  measures: string;
}

export function runFolder(stateDir: string, featureSet: string): RunFolder {
  const folder = path.join(stateDir, "runs", featureSet);
  return {
    folder,
    lock: path.join(folder, "lock"),
    job: path.join(folder, "job.json"),
    settings: path.join(folder, "settings.json"),
    script: path.join(folder, `${featureSet}_features.py`),
    stop: path.join(folder, "stop"),
    log: path.join(folder, "job.log"),
    measures: path.join(folder, "measures.json"),
  };
}

/** What this project knows of a set's checkpoints: its folders, and the plan of all. */
export function checkpointsOf(stateDir: string, featureSet: string): string {
  return path.join(stateDir, "checkpoints", featureSet);
}
