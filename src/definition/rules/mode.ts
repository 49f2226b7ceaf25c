/** Rules about how a job works. */
import type { Path } from "../diagnostics.ts";
import { obstacleToRealtime } from "../mode.ts";
import type { Rules } from "./rule.ts";

export const modeRules: Rules = {
  *realtime(draft) {
    if (draft.mode !== "realtime") return;
    const obstacle = obstacleToRealtime(draft);
    if (obstacle === undefined) return;
    const { at, why } = obstacle;
    const [window] = draft.windows;
    const places: Record<typeof at, { path: Path; atKey?: true }> = {
      windows: { path: ["windows"], atKey: true },
      validation: { path: ["validation"], atKey: true },
      window: { path: [...(window?.path ?? ["window"]), "type"] },
    };
    yield { ...places[at], message: `${why}: leave mode out, and micro-batches do it` };
  },
};
