import { UsageError } from "../errors.ts";
import type { Stack } from "../stack/stack.ts";
import { runFolders, storesWritten } from "../submit/run-states.ts";

/** Names of the sets that have written a store, in the order of their names; throws UsageError where there is none. */
export async function setsThatRan(stack: Stack): Promise<string[]> {
  const sets = [];
  for (const { featureSet } of await runFolders(stack.stateDir)) {
    if ((await storesWritten(stack.stateDir, featureSet)) !== undefined) sets.push(featureSet);
  }
  if (sets.length === 0)
    throw new UsageError("nothing was run here yet", { hint: "Try `cdc-features run customer`." });
  return sets;
}
