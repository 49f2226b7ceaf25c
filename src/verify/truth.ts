/** What holds for all entities, by the log or by the table. */
import { type FeatureSet, isAsOfNow } from "../definition/feature-set.ts";
import type { Manifest } from "../stores/manifests.ts";
import { type LogFacts, latenessAllowedMs } from "./history.ts";
import type { ReadLog } from "./log.ts";
import type { ReadSource } from "./source.ts";

/** What is true of all entities; the elements of each are in the spool. */
export interface Truth {
  now: LogFacts;
  /** As of the offsets that the job has come to. */
  applied: LogFacts;
  /** Elements of later batches are not applied yet. */
  appliedBatches: number;
  /** Undefined for the table, which has no events. */
  topic: string | undefined;
  /** The log tells how final windows ended; the table no longer does. */
  covers: "all windows" | "kept windows";
  /** The first offsets still in the log, where that is known. */
  lowOffsets: Map<number, number> | undefined;
}

/** `chain` are the batches that the job has applied; without any, it is taken to have applied all. */
export function truthOfLog(chain: Manifest[], { topic, watermarks, truncates, lowOffsets }: ReadLog): Truth {
  const appliedBatches = chain.length === 0 ? 1 : chain.length;
  const asOf = (batches: number): LogFacts => {
    const watermarkMs = watermarks[batches] as number;
    return {
      watermarks,
      truncates: truncates.filter(({ batch }) => batch < batches),
      watermark: { atLeastMs: watermarkMs, atMostMs: watermarkMs },
    };
  };
  const now = asOf(watermarks.length - 1);
  return { now, applied: asOf(appliedBatches), appliedBatches, topic, covers: "all windows", lowOffsets };
}

/**
 * The table does not tell which watermark the job has come to: it is that of its last batch or a later one, and none that is
 * later than the rows say.
 */
export function truthOfSource(featureSet: FeatureSet, chain: Manifest[], { latestMs }: ReadSource): Truth {
  const atLeastMs = chain.at(-1)?.watermark_ms ?? 0;
  const atMostMs = isAsOfNow(featureSet) ? 0 : latestMs - latenessAllowedMs(featureSet);
  const facts: LogFacts = {
    watermarks: [0],
    truncates: [],
    watermark: { atLeastMs, atMostMs: Math.max(atLeastMs, atMostMs) },
  };
  return {
    now: facts,
    applied: facts,
    appliedBatches: 1,
    topic: undefined,
    covers: "kept windows",
    lowOffsets: undefined,
  };
}
