/** Rules about what is watched of a running set: objectives and drift. */
import { LONGEST_MS, parseDuration } from "../duration.ts";
import { NAME_PATTERN } from "../names.ts";
import { nearest } from "../nearest.ts";
import type { Rules } from "./rule.ts";

export const watchingRules: Rules = {
  *"watched-times"({ slos, drift }) {
    const places = [
      ...Object.entries(slos).map(([key, value]) => ({ path: ["slos", key], value })),
      ...Object.entries(drift).map(([key, value]) => ({ path: ["drift", key], value })),
    ];
    for (const { path, value } of places) {
      if (typeof value !== "string") continue;
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
};
