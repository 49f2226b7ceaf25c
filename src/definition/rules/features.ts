/** Rules about the list of features and the windows that they are over. */
import type { Draft, RowFeature } from "../draft.ts";
import { ONLY_WINDOW } from "../feature-set.ts";
import { WINDOW_NAME_PATTERN } from "../names.ts";
import { nearest } from "../nearest.ts";
import { type DraftWindow, withArticle } from "../windows.ts";
import type { Rules } from "./rule.ts";

export const featureRules: Rules = {
  *"no-features"({ features }) {
    if (features?.size === 0) yield { path: ["features"], message: "a feature set has at least one feature" };
  },

  *"unknown-window"(draft) {
    const { windows } = draft;
    if (windows.length === 0) return;
    const names = windows.map(({ name }) => name);
    const isUnnamed = names.length === 1 && names[0] === ONLY_WINDOW;
    for (const [name, { window }] of rowFeaturesOf(draft)) {
      if (window === undefined || names.includes(window)) continue;
      const path = ["features", name, "window"];
      if (isUnnamed) {
        yield {
          path,
          message: `${window} is not the name of a window: the only one has none, so leave this out`,
        };
      } else {
        const allowed = names.filter((known) => WINDOW_NAME_PATTERN.test(known));
        const message = `${window} is not among windows`;
        yield { path, message, allowed, suggestion: nearest(window, allowed) };
      }
    }
  },

  *"which-window"(draft) {
    const { windows, windowKeys } = draft;
    // With both keys nobody knows which windows will stay.
    if (windows.length < 2 || windowKeys.length > 1) return;
    for (const [name, feature] of rowFeaturesOf(draft)) {
      if (feature.window !== undefined || feature.isPartial) continue;
      yield {
        path: ["features", name],
        atKey: true,
        message: `there are several windows, and ${name} does not name its own, as in window: ${windows[0]?.name}`,
        allowed: windows.map((window) => window.name),
      };
    }
  },

  /** Its rows would be kept for nothing. */
  *"unused-window"(draft) {
    const { windows, windowKeys, features } = draft;
    const isAllClear = ![...(features?.values() ?? [])].some((feature) => feature?.isPartial !== false);
    const used = rowFeaturesOf(draft).map(([, feature]) => windowOf(draft, feature));
    if (used.length === 0 || !isAllClear || used.includes(undefined) || windowKeys.length > 1) return;
    for (const window of windows) {
      if (used.includes(window) || !WINDOW_NAME_PATTERN.test(window.name)) continue;
      yield { path: window.path, atKey: true, message: `no feature is over ${window.name}; leave it out` };
    }
  },

  *"velocity-window"(draft) {
    for (const [name, feature] of rowFeaturesOf(draft)) {
      const window = windowOf(draft, feature);
      if (!("measure" in feature) || feature.measure !== "velocity") continue;
      if (window?.kind === undefined || window.kind === "rolling") continue;
      yield {
        path: ["features", name, feature.window === undefined ? "measure" : "window"],
        message: `a velocity compares with the interval just before, which ${withArticle(window.kind)} window does not have`,
        allowed: ["a rolling window"],
      };
    }
  },

  *"frequency-window"(draft) {
    for (const [name, feature] of rowFeaturesOf(draft)) {
      const window = windowOf(draft, feature);
      if (!("measure" in feature) || feature.measure !== "frequency") continue;
      if (window?.kind !== "session" && window?.kind !== "unbounded") continue;
      yield {
        path: ["features", name, feature.window === undefined ? "measure" : "window"],
        message: `a frequency is by the window's length, and ${withArticle(window.kind)} window has none that is fixed`,
        allowed: ["a tumbling, sliding or rolling window"],
      };
    }
  },
};

function rowFeaturesOf({ features }: Draft): [string, RowFeature][] {
  return [...(features ?? [])].flatMap(([name, feature]): [string, RowFeature][] =>
    feature === undefined || feature.kind === "derived" ? [] : [[name, feature]],
  );
}

/** The window that a feature is over, if that is known. */
function windowOf({ windows }: Draft, feature: RowFeature): DraftWindow | undefined {
  if (feature.window !== undefined) return windows.find(({ name }) => name === feature.window);
  return windows.length === 1 ? windows[0] : undefined;
}
