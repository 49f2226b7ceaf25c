/** Population stability index of two distributions over the same bins. */
import type { Both } from "./feature-drift.ts";

/** What an empty bin counts as: its logarithm would be infinite. */
export const LEAST_SHARE = 1e-4;

/** The sum of (c − r) · ln(c / r) over the bins; 0 for equal shares, and never negative. Shares are from 0 to 1. */
export function populationStabilityIndex({ reference, current }: Both<number[]>): number {
  return reference.reduce((sum, share, bin) => {
    const r = Math.max(share, LEAST_SHARE);
    const c = Math.max(current[bin] ?? 0, LEAST_SHARE);
    return sum + (c - r) * Math.log(c / r);
  }, 0);
}
