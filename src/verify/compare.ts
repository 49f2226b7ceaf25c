/** One value against another, and two comparisons into one: what both stores' comparisons share. */
import type { FeatureSet } from "../definition/feature-set.ts";
import { isoOfMicros } from "../platform/instants.ts";
import { valueOfText } from "../stores/values.ts";
import type { Difference, DifferenceKind } from "./difference.ts";

export interface Comparison {
  differences: Difference[];
  /** How many single values were looked at. */
  checkedValues: number;
}

/** The batch that wrote the newest offline row of a window, and when (micros); undefined where there is no row. */
export type NewestBatch = (
  entity: string,
  startMs: number,
) => { id: bigint; createdAt: bigint | null } | undefined;

/** Why a time of computing cannot be right, or undefined when it can. Micros since 1970 UTC. */
export function wrongComputedAt(
  time: bigint | undefined,
  { now, batchCreatedAt }: { now: bigint; batchCreatedAt: bigint | null | undefined },
): string | undefined {
  if (time === undefined) return "is no ISO time in UTC";
  if (time > now + CLOCK_SKEW_MICROS) return "lies in the future";
  // One pass writes both stores with one time; a refresh comes later, by whatever clock.
  if (batchCreatedAt != null && time < batchCreatedAt - CLOCK_SKEW_MICROS)
    return `lies before the batch that wrote it, of ${isoOfMicros(batchCreatedAt)}`;
  return undefined;
}

/** How far the clocks of job and verification may differ. */
export const CLOCK_SKEW_MICROS = 300_000_000n;

/** Expected and actual, both as the store writes them; null for absent. */
export interface Compared {
  feature: string;
  expected: string | null;
  actual: string | null;
}

/** Why two texts differ, or undefined when they are the same. */
export function judge(
  featureSet: FeatureSet,
  { feature, expected, actual }: Compared,
): { kind: DifferenceKind; because: string } | undefined {
  if (expected === actual) return undefined;
  if (actual === null)
    return { kind: "missing", because: `${feature} should be ${expected} and is not there` };
  if (expected === null)
    return { kind: "extra", because: `${feature} should not be there, but is ${actual}` };
  const because = isSameValue(featureSet, feature, expected, actual)
    ? `${feature} is the right value in the wrong form: ${expected} is written as ${actual}`
    : `${feature} should be ${expected} but is ${actual}`;
  return { kind: "different", because };
}

export function isSameValue(featureSet: FeatureSet, feature: string, a: string, b: string): boolean {
  const type = featureSet.features.find(({ name }) => name === feature)?.type;
  if (type === undefined) return a === b;
  const [left, right] = [valueOfText(a, type), valueOfText(b, type)];
  if (typeof left !== "object" || typeof right !== "object") return left !== undefined && left === right;
  return left.eq(right);
}

/**
 * Differences from what should be there now, where those that were right at the applied offsets become stale.
 *
 * `atApplied` are the differences of the same store from what should be there at the offsets the job has come to.
 */
export function markStale(now: Difference[], atApplied: Difference[]): Difference[] {
  const wrongThen = new Set(atApplied.filter(({ kind }) => kind !== "stale").map(placeOf));
  return now.map((difference) => {
    if (difference.kind === "stale" || wrongThen.has(placeOf(difference))) return difference;
    const because = `${difference.because}: the job has not applied the newest events yet`;
    return { ...difference, kind: "stale" as const, because };
  });
}

/** An entity is served one window online, which may be another one by now. */
function placeOf({ entity, store, feature, window }: Difference): string {
  const hasOneWindow = store === "online" && feature !== "_windows";
  return JSON.stringify([entity, feature, hasOneWindow ? null : window]);
}

export function isoOfMs(ms: number): string {
  return isoOfMicros(BigInt(ms) * 1000n);
}
