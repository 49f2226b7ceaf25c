/** How a job works: in micro-batches, or in Spark's real-time mode. Either way the same values come out. */
import type { Severity, ValidationCheck, Window } from "./feature-set.ts";
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
  /** Undefined for a rule that could not be read. */
  rules: Iterable<{ check: ValidationCheck["check"]; severity: Severity } | undefined>;
}

export interface Obstacle {
  /** `windows` for several of them. */
  at: "window" | "windows" | "validation";
  why: string;
}

/** What is in the way of real-time mode, if anything. Says nothing of a kind of window that is not known. */
export function obstacleToRealtime({ windows, rules }: Computed): Obstacle | undefined {
  if (windows.length > 1)
    return { at: "windows", why: "real-time mode computes one window, and with several a set is as of now" };
  const kind = windows[0]?.kind;
  if (kind !== undefined && kind !== "tumbling" && kind !== "sliding")
    return {
      at: "window",
      why: `real-time mode computes a tumbling or sliding window, and with ${withArticle(kind)} one a set is as of now`,
    };
  for (const rule of rules) {
    if (rule === undefined) continue;
    const { check, severity } = rule;
    if (severity !== "warn")
      return {
        at: "validation",
        why: `a rule whose severity is ${severity} holds rows back before they are written, and real-time mode publishes each row at once, so that rules can only warn`,
      };
    if (check === "outlier" || check === "sudden_change")
      return {
        at: "validation",
        why: `${check} compares with what the stores held before, and real-time mode judges rows that are served by then`,
      };
  }
  return undefined;
}
