/** Rules about the times of a feature set. */
import { LONGEST_MS, parseDuration } from "../duration.ts";
import type { Rules } from "./rule.ts";

export const windowRules: Rules = {
  /** The online store tells the windows of an entity apart by the second in which they start. */
  *"window-length"({ length }) {
    if (length === undefined) return;
    const path = ["window", "length"];
    const milliseconds = parseDuration(length);
    if (milliseconds === 0) yield { path, message: "a window is longer than nothing" };
    if (milliseconds % 1000 !== 0) yield { path, message: `a window lasts whole seconds, not ${length}` };
  },

  *"duration-limit"({ length, retention, watermark }) {
    const durations = [
      [["window", "length"], length],
      [["window", "retention"], retention],
      [["watermark"], watermark],
    ] as const;
    for (const [path, text] of durations) {
      if (text !== undefined && parseDuration(text) > LONGEST_MS) {
        yield { path, message: `${text} is longer than a hundred years, 36500 days` };
      }
    }
  },
};
