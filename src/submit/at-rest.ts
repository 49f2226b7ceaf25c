/** Whether a checkpoint is where its topic ends, so that a run has nothing to read. */
import type { Offsets } from "../platform/kafka-admin.ts";
import { reachedBy } from "./reached.ts";

/** False where that cannot be told. `checkpoint` is a folder of this machine. */
export async function isAtRest(checkpoint: string, topic: string, ends: Offsets): Promise<boolean> {
  const reached = await reachedBy(checkpoint, topic);
  return (
    reached !== undefined &&
    !reached.goesOn &&
    ends.size === Object.keys(reached.ends).length &&
    [...ends].every(([partition, end]) => reached.ends[partition] === end)
  );
}
