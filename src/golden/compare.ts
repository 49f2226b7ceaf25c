/** What a case expects beside what the job and the verifier made of it, cell by cell. */
import { Big } from "big.js";
import type { FeatureSet, FeatureType } from "../definition/feature-set.ts";
import { isoOfMicros } from "../platform/instants.ts";
import { type FeatureValue, isSameValue, onlineText } from "../stores/values.ts";
import { featureTypes } from "./feature-types.ts";
import type { Expected, GoldenCase } from "./golden-case.ts";
import type { Outcome } from "./outcome.ts";

/** Values as the online store writes them. */
export interface Cell {
  /** With the start of its window, where the case says one. */
  entity: string;
  /** Null for whether there is a row at all: `a row` or `none`. */
  feature: string | null;
  expected: string | null;
  job: string | null;
  verifier: string | null;
  ok: boolean;
}

export function compareCase(
  featureSet: FeatureSet,
  { expected }: GoldenCase,
  job: Outcome,
  verifier: Outcome,
): Cell[] {
  const types = featureTypes(featureSet);
  return expected.flatMap((one) => compareRow(one, types, job, verifier));
}

function compareRow(
  { entity, windowStart, features }: Expected,
  types: Map<string, FeatureType>,
  job: Outcome,
  verifier: Outcome,
): Cell[] {
  const [ofJob, ofVerifier] = [job.row(entity, windowStart), verifier.row(entity, windowStart)];
  const shown =
    windowStart === undefined ? entity : `${entity} @ ${isoOfMicros(BigInt(windowStart) * 1000n)}`;
  const presence = (row: unknown) => (row === undefined ? "none" : "a row");
  const isThere = {
    entity: shown,
    feature: null,
    expected: presence(features),
    job: presence(ofJob),
    verifier: presence(ofVerifier),
  };
  const cells: Cell[] = [
    { ...isThere, ok: isThere.job === isThere.expected && isThere.verifier === isThere.expected },
  ];
  // Of a row that is missing nothing more is to be said.
  if (ofJob === undefined && ofVerifier === undefined) return cells;
  for (const [feature, value] of features ?? []) {
    const type = types.get(feature) as FeatureType;
    const [told, computed] = [ofJob?.get(feature) ?? null, ofVerifier?.get(feature) ?? null];
    cells.push({
      entity: shown,
      feature,
      expected: textOf(value, type),
      job: textOf(told, type),
      verifier: textOf(computed, type),
      ok: isSameValue(told, value) && isSameValue(computed, value),
    });
  }
  return cells;
}

/** An expected number with more digits than the feature has is shown as it is. */
function textOf(value: FeatureValue, type: FeatureType): string | null {
  const text = onlineText(value, type);
  return value instanceof Big && !value.eq(text ?? "0") ? value.toFixed() : text;
}
