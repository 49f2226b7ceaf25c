/** How far a checkpoint has come, read from a folder of this machine. */
import { readdir, stat } from "node:fs/promises";
import path from "node:path";
import { z } from "zod";
import { readIfExists } from "../platform/files.ts";
import { CHECKPOINTS, checkpointsOf } from "./run-folder.ts";

const recorded = z.record(z.string(), z.record(z.string(), z.number()));

export interface Reached {
  /** By partition, where the newest batch that is done ends. */
  ends: Record<string, number>;
  /** A batch after it was planned, and has still to be written. */
  goesOn: boolean;
}

/** Undefined before the first batch, and where that cannot be told. */
export async function reachedBy(checkpoint: string, topic: string): Promise<Reached | undefined> {
  const [planned, committed] = await Promise.all(
    ["offsets", "commits"].map((folder) => newest(path.join(checkpoint, folder))),
  );
  if (committed === undefined) return undefined;
  const text = await readIfExists(path.join(checkpoint, "offsets", String(committed)));
  const ends = recordedIn(text?.trim().split("\n")[2])?.[topic];
  return ends && { ends, goesOn: planned !== committed };
}

/**
 * Sum of the offsets that the latest run to write a store has come to, whether anybody heard of it or not, and when its newest batch
 * was done, in ms since 1970. Undefined where that cannot be told.
 */
export async function positionReached(
  stateDir: string,
  featureSet: string,
  topic: string,
): Promise<{ position: number; at: number } | undefined> {
  const folder = checkpointsOf(stateDir, featureSet);
  const times = await Promise.all(
    CHECKPOINTS.filter((name) => name !== "console").map(async (name) => {
      const checkpoint = path.join(folder, name);
      const at = await stat(path.join(checkpoint, "commits")).catch(() => undefined);
      return { checkpoint, at: at?.mtimeMs ?? 0 };
    }),
  );
  const [latest] = times.sort((a, b) => b.at - a.at);
  const reached = latest && (await reachedBy(latest.checkpoint, topic));
  if (latest === undefined || reached === undefined) return undefined;
  return { position: Object.values(reached.ends).reduce((sum, end) => sum + end, 0), at: latest.at };
}

/** The number of the newest batch. */
async function newest(folder: string): Promise<number | undefined> {
  const names: string[] = await readdir(folder).catch(() => []);
  const numbers = names.filter((name) => /^[0-9]+$/.test(name)).map(Number);
  return numbers.length === 0 ? undefined : Math.max(...numbers);
}

function recordedIn(line: string | undefined): z.infer<typeof recorded> | undefined {
  try {
    return recorded.parse(JSON.parse(line ?? ""));
  } catch {
    return undefined;
  }
}
