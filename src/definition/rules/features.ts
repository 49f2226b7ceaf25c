/** Rules about the list of features. */
import type { Rules } from "./rule.ts";

export const featureRules: Rules = {
  *"no-features"({ features }) {
    if (features?.size === 0) yield { path: ["features"], message: "a feature set has at least one feature" };
  },
};
