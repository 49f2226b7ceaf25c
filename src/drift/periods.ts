/** The two periods of event time that are compared. */
import type { DriftThresholds } from "../definition/feature-set.ts";
import type { Both } from "./feature-drift.ts";

/** Micros since 1970 UTC; `to` is no part of it. */
export interface Period {
  from: bigint;
  to: bigint;
}

/** Those that are given; else the latest `currentMs` up to now, and the `referenceMs` before the current period. */
export function periodsOf(
  { currentMs, referenceMs }: DriftThresholds,
  { now, ...given }: { now: Date; current?: Period; reference?: Period },
): Both<Period> {
  const current = given.current ?? before(BigInt(now.getTime()) * 1000n, currentMs);
  return { current, reference: given.reference ?? before(current.from, referenceMs) };
}

function before(to: bigint, lengthMs: number): Period {
  return { from: to - BigInt(lengthMs) * 1000n, to };
}
