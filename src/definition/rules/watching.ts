/** Rules about what is watched of a running set: objectives and drift. */
import { formatDuration, LONGEST_MS, parseDuration } from "../duration.ts";
import { isAsOfNow } from "../feature-set.ts";
import { NAME_PATTERN } from "../names.ts";
import { nearest } from "../nearest.ts";
import { stepOf } from "../windows.ts";
import type { Rules } from "./rule.ts";

export const watchingRules: Rules = {
  *"watched-times"({ slos, drift }) {
    const places = [
      ...Object.entries(slos).map(([key, value]) => ({ path: ["slos", key], value })),
      ...Object.entries(drift).map(([key, value]) => ({ path: ["drift", key], value })),
    ];
    for (const { path, value } of places) {
      if (typeof value !== "string" || path.at(-1) === "windows") continue;
      const milliseconds = parseDuration(value);
      if (milliseconds === 0) yield { path, message: `${path.at(-1)} is longer than nothing` };
      if (milliseconds > LONGEST_MS)
        yield { path, message: `${value} is longer than a hundred years, 36500 days` };
    }
  },

  *"drift-features"({ drift, features }) {
    for (const [index, name] of (drift.features ?? []).entries()) {
      if (features === undefined || features.has(name)) continue;
      const allowed = [...features.keys()].filter((one) => NAME_PATTERN.test(one));
      const suggestion = nearest(name, allowed);
      yield {
        path: ["drift", "features", index],
        message: `${name} is not among features`,
        allowed,
        suggestion,
      };
    }
  },

  *"drift-windows"({ drift, windows }) {
    if (windows.length === 0 || windows.some(({ kind }) => kind === undefined)) return;
    if (isAsOfNow({ windows }) && drift.windows === "finished") {
      const message = "finished is for a tumbling or sliding window; rows as of now have no end";
      yield { path: ["drift", "windows"], message };
    }
    const step = stepOf(windows);
    if (drift.windows === "all" || step === undefined) return;
    for (const key of ["current", "reference"] as const) {
      const period = drift[key];
      if (period === undefined || parseDuration(period) >= step) continue;
      yield {
        path: ["drift", key],
        message: `a window ends every ${formatDuration(step)}, and often none in ${period}; windows: all looks at those that are still filling, too`,
      };
    }
  },
};
