/** Whether a set keeps what its definition promises. Pure. */
import type { Slos } from "../definition/feature-set.ts";
import { quantile } from "./ages.ts";
import type { Measures } from "./measures.ts";

/** What is seen of a set from outside its job. */
export interface Observed {
  /** Records in the topic that no batch has worked off; null where the topic cannot be asked. */
  lagEvents: number | null;
  running: boolean;
  /** Ms since 1970. */
  now: number;
}

export interface Percentiles {
  p50: number | null;
  p95: number | null;
  p99: number | null;
}

export interface Objective {
  name: keyof Slos;
  /** Seconds, or a share. */
  target: number;
  /** Null where nothing is known, which is no breach. */
  actual: number | null;
  unit: "seconds" | "share";
  met: boolean;
}

export const RECENT_MS = 300_000;

/** Of the changes of the last five minutes, or of the latest batch where there were none. Seconds. */
export function freshness({ recent }: Measures, now: number): Percentiles {
  const told = recent.filter(({ ages }) => ages !== null);
  const young = told.filter(({ at }) => at > now - RECENT_MS);
  const ages = (young.length > 0 ? young : told.slice(-1)).flatMap((one) => one.ages ?? []);
  return { p50: quantile(ages, 0.5), p95: quantile(ages, 0.95), p99: quantile(ages, 0.99) };
}

/** How long ago the last batch was written, in seconds. */
export function staleness({ last }: Measures, now: number): number | null {
  return last === null ? null : Math.max(now - last.at, 0) / 1000;
}

/**
 * At most how long the oldest waiting record has waited, in seconds: since the newest one that was worked off came to Kafka. Null
 * where it is not known.
 */
export function lagSeconds({ last }: Measures, { lagEvents, now }: Observed): number | null {
  if (lagEvents === null) return null;
  if (lagEvents === 0) return 0;
  return last?.newestMs == null ? null : Math.max(now - last.newestMs, 0) / 1000;
}

/** In the order of the definition's keys. */
export function objectives(measures: Measures, observed: Observed): Objective[] {
  const { totals } = measures;
  const ages = freshness(measures, observed.now);
  const events = Object.values(totals.events).reduce((sum, one) => sum + one, 0);
  const rows = totals.rowsWritten + totals.quarantined;
  const actual: Record<keyof Slos, number | null> = {
    freshnessP50Ms: ages.p50,
    freshnessP95Ms: ages.p95,
    freshnessP99Ms: ages.p99,
    lagMs: lagSeconds(measures, observed),
    stalenessMs: staleness(measures, observed.now),
    quarantinedShare: rows === 0 ? null : totals.quarantined / rows,
    deadLetterShare: events === 0 ? null : (totals.events.dead_letter ?? 0) / events,
  };
  return (Object.keys(actual) as (keyof Slos)[]).flatMap((name): Objective[] => {
    const wanted = measures.slos[name];
    if (wanted === undefined) return [];
    const unit = name.endsWith("Ms") ? "seconds" : "share";
    const target = unit === "seconds" ? wanted / 1000 : wanted;
    const value = actual[name];
    return [{ name, target, actual: value, unit, met: value === null || value <= target }];
  });
}
