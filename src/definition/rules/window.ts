/** Rules about the times of a feature set. */
import { LONGEST_MS, parseDuration } from "../duration.ts";
import type { Rules } from "./rule.ts";

export const windowRules: Rules = {
  *"window-length"({ length }) {
    if (length !== undefined && parseDuration(length) === 0) {
      yield { path: ["window", "length"], message: "a window is longer than nothing" };
    }
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
