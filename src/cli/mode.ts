/** In which mode a set's job is to work, and whether it can. */
import { type Mode, obstacleToRealtime } from "../definition/mode.ts";
import { UsageError } from "../errors.ts";
import type { Stack } from "../stack/stack.ts";
import type { Sink } from "../submit/run-folder.ts";
import type { Definition } from "./definitions.ts";

/** The definition's, unless the command says another. Throws UsageError that names what is in the way of it. */
export function modeOf(
  { featureSet, file }: Pick<Definition, "featureSet" | "file">,
  { mode = featureSet.mode, sink }: { mode?: Mode; sink: Sink },
  { target, modes }: Pick<Stack, "target" | "modes">,
): Mode {
  if (mode !== "realtime") return mode;
  const { name } = featureSet;
  const obstacle = obstacleToRealtime({ ...featureSet, rules: featureSet.validation });
  const refused = (why: string, hint: string) =>
    new UsageError(`${name} cannot be run in real-time mode: ${why}`, { hint });
  const inMicroBatches = `\`cdc-features run ${name} --mode micro-batch\` computes it in micro-batches`;
  if (obstacle !== undefined)
    throw refused(`${obstacle.why} (${obstacle.at} in ${file})`, `${inMicroBatches}.`);
  if (!modes.includes(mode))
    throw refused(
      `the Spark of the target ${target} has none`,
      `\`--target embedded\` has it; ${inMicroBatches}.`,
    );
  if (sink !== "dual")
    throw refused(
      `it writes both stores, and --sink says ${sink}`,
      `Leave --sink out, or ${inMicroBatches} to ${sink} alone.`,
    );
  return mode;
}
