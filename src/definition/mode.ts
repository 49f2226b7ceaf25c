/** How a job works: in micro-batches, or in Spark's real-time mode. Either way the same values come out. */
import type { Window } from "./feature-set.ts";
import { withArticle } from "./windows.ts";

export type Mode = "micro-batch" | "realtime";
export const MODES = ["micro-batch", "realtime"] as const satisfies readonly Mode[];
/** As a definition has it: a set in batch mode works in micro-batches, on a schedule. */
export const WRITTEN_MODES = [...MODES, "batch"] as const;
export const DEFAULT_MODE: Mode = "micro-batch";

/** Of a set what decides whether real-time mode can compute it. */
interface Computed {
  /** Undefined for a kind that is not known. */
  windows: readonly { kind: Window["kind"] | undefined }[];
  validation: Iterable<unknown>;
}

export interface Obstacle {
  /** `windows` for several of them. */
  at: "window" | "windows" | "validation";
  why: string;
}

/** What is in the way of real-time mode, if anything. Says nothing of a kind of window that is not known. */
export function obstacleToRealtime({ windows, validation }: Computed): Obstacle | undefined {
  if (windows.length > 1)
    return { at: "windows", why: "real-time mode computes one window, and with several a set is as of now" };
  const kind = windows[0]?.kind;
  if (kind === undefined || kind === "tumbling" || kind === "sliding") {
    if ([...validation].length === 0) return undefined;
    return {
      at: "validation",
      why: "rules hold a batch's rows back before they are written, and real-time mode publishes each row at once",
    };
  }
  return {
    at: "window",
    why: `real-time mode computes a tumbling or sliding window, and with ${withArticle(kind)} one a set is as of now`,
  };
}
