/** Windows as they were written, and what is meant where something is left out. */
import { parseDuration } from "./duration.ts";
import { isAsOfNow, type Window } from "./feature-set.ts";

export type WindowTime = "length" | "slide" | "granularity" | "gap" | "longest" | "retention";

/** `windows` gives each a name; the only one of `window` has `ONLY_WINDOW`. */
export interface DraftWindow {
  name: string;
  path: readonly (string | number)[];
  /** Undefined when it is wrong. */
  kind: Window["kind"] | undefined;
  /** The durations that were written, as far as they are durations that such a window has. */
  times: Partial<Record<WindowTime, string>>;
  /** Some of its keys were left out here because they are wrong. */
  isPartial: boolean;
}

export function withArticle(kind: Window["kind"]): string {
  return kind === "unbounded" ? `an ${kind}` : `a ${kind}`;
}

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;

const GRANULARITIES = [DAY, HOUR, 5 * MINUTE, MINUTE, SECOND];

/** As in Chronon: longer windows move in larger steps, so that they change less often. */
function usualGranularity(lengthMs: number): number {
  if (lengthMs >= 12 * DAY) return DAY;
  return lengthMs >= 12 * HOUR ? HOUR : 5 * MINUTE;
}

/** Milliseconds of one of a window's times, its default where it is left out; undefined when that cannot be known. */
export function timeOf({ kind, times, isPartial }: DraftWindow, time: WindowTime): number | undefined {
  const text = times[time];
  if (text !== undefined) return parseDuration(text);
  if (isPartial) return undefined;
  const of = (other: WindowTime) => (times[other] === undefined ? undefined : parseDuration(times[other]));
  switch (time) {
    case "retention":
      return kind === "session" ? (of("longest") ?? DAY) : of("length");
    case "longest":
      return kind === "session" ? DAY : undefined;
    case "granularity": {
      const length = of("length");
      if (kind !== "rolling" || length === undefined || length === 0) return undefined;
      return [usualGranularity(length), ...GRANULARITIES].find((granularity) => length % granularity === 0);
    }
    default:
      return undefined;
  }
}

/** Milliseconds from one end of a window to the next; undefined in a set as of now, and when it cannot be known. */
export function stepOf(windows: DraftWindow[]): number | undefined {
  const [window] = windows;
  if (window === undefined || isAsOfNow({ windows })) return undefined;
  return timeOf(window, window.kind === "tumbling" ? "length" : "slide");
}

/** A window no rule objects to. */
export function windowOf(window: DraftWindow): Window {
  const { name, kind } = window;
  const ms = (time: WindowTime) => timeOf(window, time) as number;
  switch (kind as Window["kind"]) {
    case "tumbling":
      return { kind: "tumbling", name, lengthMs: ms("length"), retentionMs: ms("retention") };
    case "sliding":
      return {
        kind: "sliding",
        name,
        lengthMs: ms("length"),
        slideMs: ms("slide"),
        retentionMs: ms("retention"),
      };
    case "rolling":
      return { kind: "rolling", name, lengthMs: ms("length"), granularityMs: ms("granularity") };
    case "session":
      return {
        kind: "session",
        name,
        gapMs: ms("gap"),
        longestMs: ms("longest"),
        retentionMs: ms("retention"),
      };
    case "unbounded":
      return { kind: "unbounded", name };
  }
}
