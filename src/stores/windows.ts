/** Which rows are in which window: of windows that stand where they are, and of those that depend on now. */
import type { FeatureSet, SlidingWindow, TumblingWindow, Window } from "../definition/feature-set.ts";
import { DAY_MICROS, floorDivide, msOfMicros } from "../platform/instants.ts";
import type { Row } from "./rows.ts";

/** Micros since 1970 UTC; the end is outside. */
export interface Bounds {
  start: bigint;
  end: bigint;
}

/** The rows of a window as places in an ordered array of rows: those from `from` on, and before `to`. */
export interface Selection {
  from: number;
  to: number;
  /** Of a rolling window: where the rows of the interval before it begin, which end at `from`. */
  before: number;
  /** Null for an unbounded window, and for one that goes by its rows and has none. */
  bounds: Bounds | null;
}

/** The windows of one length that an event time is in, by their starts in ms, latest first. */
export function startsOfWindows(window: TumblingWindow | SlidingWindow, eventTime: bigint): number[] {
  const slideMs = slideOf(window);
  const latest = startOfSlide(window, eventTime);
  if (slideMs === window.lengthMs) return [latest];
  return Array.from({ length: window.lengthMs / slideMs }, (_, i) => latest - i * slideMs);
}

/** Event times with the same one are in the same windows. */
export function startOfSlide(window: TumblingWindow | SlidingWindow, eventTime: bigint): number {
  const slideMs = slideOf(window);
  return Math.floor(msOfMicros(eventTime) / slideMs) * slideMs;
}

function slideOf(window: TumblingWindow | SlidingWindow): number {
  return window.kind === "sliding" ? window.slideMs : window.lengthMs;
}

/** Sets as of now do not change between two multiples of it, but for recency at midnight. Micros. */
export function granuleOf({ windows }: FeatureSet): bigint {
  const granularities = windows.flatMap((window) =>
    window.kind === "rolling" ? [window.granularityMs] : [],
  );
  return granularities.length === 0 ? DAY_MICROS : BigInt(Math.min(...granularities)) * 1000n;
}

/** The window that a set as of now shows as its own: the longest rolling one, else the first with an end. */
export function primaryWindow({ windows }: FeatureSet): Window | undefined {
  const rolling = windows.filter((window) => window.kind === "rolling");
  const longest = Math.max(...rolling.map(({ lengthMs }) => lengthMs));
  return (
    rolling.find(({ lengthMs }) => lengthMs === longest) ?? windows.find(({ kind }) => kind !== "unbounded")
  );
}

/** The rows of a window as of now. `rows` are ordered by event time; `granule` is the set's, see `granuleOf`. */
export function selectAsOfNow(window: Window, rows: Row[], now: bigint, granule: bigint): Selection {
  if (window.kind === "rolling") {
    const granularity = micros(window.granularityMs);
    const end = floorDivide(now, granularity) * granularity + granularity;
    const start = end - micros(window.lengthMs);
    const from = firstFrom(rows, start);
    const before = firstFrom(rows, start - micros(window.lengthMs));
    return { from, to: firstFrom(rows, end), before, bounds: { start, end } };
  }
  const asOf = floorDivide(now, granule) * granule;
  // Rows of later come in with their granule.
  const to = firstFrom(rows, asOf + granule);
  if (window.kind === "unbounded") return { from: 0, to, before: 0, bounds: null };
  const bounds = to === 0 ? null : latestBounds(window, rows, to - 1);
  if (bounds === null || bounds.end + micros(window.retentionMs) <= asOf) {
    return { from: to, to, before: to, bounds: null };
  }
  const from = firstFrom(rows, bounds.start);
  return { from, to, before: from, bounds };
}

/** The window of the latest row. */
function latestBounds(
  window: Exclude<Window, { kind: "rolling" | "unbounded" }>,
  rows: Row[],
  last: number,
): Bounds {
  const latest = timeAt(rows, last);
  if (window.kind !== "session") {
    const start = micros(startOfSlide(window, latest));
    return { start, end: start + micros(window.lengthMs) };
  }
  const gap = micros(window.gapMs);
  const earliest = latest - micros(window.longestMs);
  let first = last;
  while (
    first > 0 &&
    timeAt(rows, first) - timeAt(rows, first - 1) < gap &&
    timeAt(rows, first - 1) > earliest
  ) {
    first -= 1;
  }
  return { start: timeAt(rows, first), end: latest + gap };
}

/** The place of the first row that is not before the time; the number of rows when all are. */
function firstFrom(rows: Row[], time: bigint): number {
  let [low, high] = [0, rows.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (timeAt(rows, middle) < time) low = middle + 1;
    else high = middle;
  }
  return low;
}

function timeAt(rows: Row[], i: number): bigint {
  return (rows[i] as Row).eventTime;
}

function micros(ms: number): bigint {
  return BigInt(ms) * 1000n;
}
