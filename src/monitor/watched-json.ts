/** A set and its runs as JSON has them. Pure. */
import { type Watched, written } from "./families.ts";
import { lastEnded } from "./measures.ts";
import { freshness, lagSeconds, objectives, staleness } from "./objectives.ts";

export type WatchedJson = ReturnType<typeof watchedAsJson>;

/** As `status --json` has it; times in seconds, shares from 0 to 1, null for what is not known. */
export function watchedAsJson(watched: Watched) {
  const { measures, observed } = watched;
  const { totals, last } = measures;
  const ended = lastEnded(measures);
  return {
    featureSet: measures.featureSet,
    running: observed.running,
    mode: measures.mode,
    events: totals.events,
    eventsPerSecond: last?.rowsPerSecond ?? null,
    lagEvents: observed.lagEvents,
    lagSeconds: lagSeconds(measures, observed),
    freshnessSeconds: freshness(measures, observed.now),
    stalenessSeconds: staleness(measures, observed.now),
    watermark: last?.watermark ?? null,
    batchSeconds: last?.seconds ?? null,
    phases: last?.phases ?? {},
    stateRows: last?.stateRows ?? null,
    stateBytes: last?.stateBytes ?? null,
    quarantined: totals.quarantined,
    violations: totals.violations,
    writeFailures: totals.writeFailures,
    writeRetries: totals.retries,
    runs: totals.runs,
    lastRun: ended && { ...ended, at: new Date(ended.at).toISOString() },
    objectives: objectives(measures, observed).map((one) => ({ ...one, name: written(one.name) })),
  };
}
