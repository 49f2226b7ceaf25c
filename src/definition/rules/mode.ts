/** Rules about how a job works. */
import type { Path } from "../diagnostics.ts";
import { LONGEST_MS, parseDuration } from "../duration.ts";
import { obstacleToRealtime } from "../mode.ts";
import type { Rules } from "./rule.ts";

/** A run of its own takes seconds. */
const LEAST_MS = 60_000;

export const modeRules: Rules = {
  *schedule({ mode, schedule }) {
    if (mode === "batch" && schedule === undefined) {
      const message = "a set in batch mode says how often it is computed, as in schedule: 1 day";
      yield { path: ["mode"], message };
    }
    if (schedule === undefined || mode === undefined) return;
    const every = parseDuration(schedule);
    if (mode !== "batch") {
      const message = "a schedule is for mode: batch; in the others changes are computed as they come";
      yield { path: ["schedule"], atKey: true, message };
    } else if (every < LEAST_MS || every > LONGEST_MS) {
      yield { path: ["schedule"], message: `${schedule} is not from 1 minute to 36500 days` };
    }
  },

  *realtime(draft) {
    if (draft.mode !== "realtime") return;
    const obstacle = obstacleToRealtime({ ...draft, rules: draft.validation.values() });
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
