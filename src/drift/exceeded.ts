/** Which thresholds a feature exceeds, in words. */
import type { DriftThresholds } from "../definition/feature-set.ts";
import type { Both, Measures } from "./feature-drift.ts";

/** A sentence each; a measure that is just at its threshold exceeds nothing. */
export function exceeded({ psi, ks, nullRate, zeroRate }: Measures, thresholds: DriftThresholds): string[] {
  return [
    ...tooGreat("psi", psi, thresholds.maxPsi),
    ...tooGreat("ks", ks, thresholds.maxKs),
    ...movedTooFar("null rate", nullRate, thresholds.maxNullRateChange),
    ...movedTooFar("zero rate", zeroRate, thresholds.maxZeroRateChange),
  ];
}

function tooGreat(measure: string, value: number | null, most: number): string[] {
  return value !== null && value > most ? [`${measure} ${above(value, most)} is above ${most}`] : [];
}

function movedTooFar(rate: string, rates: Both<number> | null, most: number): string[] {
  if (rates === null) return [];
  // From 0.7 to 0.8 is 0.10000000000000009 in doubles, and would be above 0.1.
  const change = Number(Math.abs(rates.current - rates.reference).toFixed(12));
  if (change <= most) return [];
  const [from, to] = [rates.reference, rates.current].map((share) => Number(share.toFixed(4)));
  return [`${rate} went from ${from} to ${to}: a change of ${above(change, most)} is above ${most}`];
}

/** With two digits after the point, and more where it would read as its threshold. */
function above(value: number, most: number): string {
  for (let digits = 2; digits < 15; digits += 1) {
    const text = value.toFixed(digits);
    if (Number(text) > most) return String(Number(text));
  }
  return String(value);
}
