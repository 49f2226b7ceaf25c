/** What runs have told, as a report shows it. Pure. */
import { BUCKETS, quantile } from "../monitor/ages.ts";
import type { Watched } from "../monitor/families.ts";
import type { Sample } from "../monitor/measures.ts";
import { watchedAsJson } from "../monitor/watched-json.ts";
import type { RecentBatch, Runs } from "./document.ts";

export function runsOf(watched: Watched): Runs {
  const { featureSet: _, ...json } = watchedAsJson(watched);
  const { totals, last, recent } = watched.measures;
  return {
    ...json,
    read: totals.read,
    batches: totals.batches,
    rowsWritten: totals.rowsWritten,
    lastBatch: last && iso(last.at),
    ages: totals.ages.counts.map((changes, i) => ({ upTo: BUCKETS[i] ?? null, changes })),
    allPhases: totals.phases,
    recent: recent.map(recentBatch),
  };
}

/** One that took no time is no batch, but what came to Redis by itself in real-time mode. */
function recentBatch({ at, seconds, rowsPerSecond, ages }: Sample): RecentBatch {
  const isBatch = seconds > 0;
  const all = ages === null ? [] : [ages];
  return {
    at: iso(at),
    eventsPerSecond: isBatch ? rowsPerSecond : null,
    seconds: isBatch ? seconds : null,
    p50: quantile(all, 0.5),
    p99: quantile(all, 0.99),
  };
}

function iso(ms: number): string {
  return new Date(ms).toISOString();
}
