/** The job's rows of a case, from the texts that it tells. */
import type { FeatureSet } from "../definition/feature-set.ts";
import { microsOfIso, msOfMicros } from "../platform/instants.ts";
import { type FeatureValue, type FeatureValues, valueOfText } from "../stores/values.ts";
import { featureTypes } from "./feature-types.ts";
import type { Outcome } from "./outcome.ts";

/** Values as the online store writes them. */
export interface ToldRow {
  entity: string;
  window_start: string | null;
  window_end: string | null;
  event_timestamp: string | null;
  features: Record<string, string | null>;
  /** The entity's own row: of a set with windows, the latest that is kept. */
  served: boolean;
}

export function byJob(featureSet: FeatureSet, rows: ToldRow[]): Outcome {
  return {
    row: (entity, windowStart) => {
      const found = rows.find(
        (row) =>
          row.entity === entity && (windowStart === undefined ? row.served : startOf(row) === windowStart),
      );
      return found && valuesOf(featureSet, found);
    },
  };
}

function startOf({ window_start }: ToldRow): number | undefined {
  const micros = microsOfIso(window_start ?? "");
  return micros === undefined ? undefined : msOfMicros(micros);
}

function valuesOf(featureSet: FeatureSet, row: ToldRow): FeatureValues {
  const texts: Record<string, string | null> = {
    ...row.features,
    _window_start: row.window_start,
    _window_end: row.window_end,
    _event_time: row.event_timestamp,
  };
  return new Map(
    [...featureTypes(featureSet)].map(([name, type]): [string, FeatureValue] => {
      const text = texts[name] ?? null;
      const value = text === null ? null : valueOfText(text, type);
      if (value === undefined)
        throw new TypeError(`the job tells ${name} = ${text}, which is no ${type.kind}`);
      return [name, value];
    }),
  );
}
