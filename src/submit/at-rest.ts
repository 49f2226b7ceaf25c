/** Whether a checkpoint is where its topic ends, so that a run has nothing to read. */
import { readdir } from "node:fs/promises";
import path from "node:path";
import { z } from "zod";
import { readIfExists } from "../platform/files.ts";
import type { Offsets } from "../platform/kafka-admin.ts";

const recorded = z.record(z.string(), z.record(z.string(), z.number()));

/** False where that cannot be told. `checkpoint` is a folder of this machine. */
export async function isAtRest(checkpoint: string, topic: string, ends: Offsets): Promise<boolean> {
  const [planned, committed] = await Promise.all(
    ["offsets", "commits"].map((folder) => newest(path.join(checkpoint, folder))),
  );
  // A batch that was planned and not committed has still to be written.
  if (committed === undefined || planned !== committed) return false;
  const text = await readIfExists(path.join(checkpoint, "offsets", String(committed)));
  const offsets = recordedIn(text?.trim().split("\n")[2]);
  const reached = offsets?.[topic];
  return (
    reached !== undefined &&
    ends.size === Object.keys(reached).length &&
    [...ends].every(([partition, end]) => reached[partition] === end)
  );
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
