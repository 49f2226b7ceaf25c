/** The metrics of feature sets, by the naming conventions of Prometheus. Pure. */
import { BUCKETS, type Histogram } from "./ages.ts";
import type { Measures } from "./measures.ts";
import { freshness, lagSeconds, type Observed, objectives, staleness } from "./objectives.ts";
import type { OnlineCensus } from "./online-census.ts";

/** What is known of one set at one moment. */
export interface Watched {
  measures: Measures;
  observed: Observed;
  /** Null before the first look at the online store, and where there is none. */
  online: OnlineCensus | null;
}

export interface Value {
  labels: Record<string, string>;
  value: number;
  /** What a histogram's parts end in. */
  suffix?: "_bucket" | "_sum" | "_count";
}

export interface Family {
  name: string;
  help: string;
  type: "counter" | "gauge" | "histogram";
  values: Value[];
}

type Of = (watched: Watched, feature_set: string) => Value[];

const by =
  (label: string, values: (watched: Watched) => Record<string, number>): Of =>
  (watched, feature_set) =>
    Object.entries(values(watched)).map(([name, value]) => ({
      labels: { feature_set, [label]: name },
      value,
    }));

/** One value, left out where it is not known. */
const one =
  (value: (watched: Watched) => number | null | undefined): Of =>
  (watched, feature_set) => {
    const known = value(watched);
    return known == null ? [] : [{ labels: { feature_set }, value: known }];
  };

const histogram =
  (of: (watched: Watched) => Histogram): Of =>
  (watched, feature_set) => {
    const { counts, sum } = of(watched);
    let cumulative = 0;
    const buckets = [...BUCKETS.map(String), "+Inf"].map((le, i): Value => {
      cumulative += counts[i] ?? 0;
      return { labels: { feature_set, le }, value: cumulative, suffix: "_bucket" };
    });
    return [
      ...buckets,
      { labels: { feature_set }, value: sum, suffix: "_sum" },
      { labels: { feature_set }, value: cumulative, suffix: "_count" },
    ];
  };

const seconds = (ms: number | null | undefined) => (ms == null ? null : ms / 1000);

const FAMILIES: { name: string; type: Family["type"]; help: string; of: Of }[] = [
  {
    name: "cdc_features_events_total",
    type: "counter",
    help: "Records that runs have read, by what became of them.",
    of: by("outcome", ({ measures }) => measures.totals.events),
  },
  {
    name: "cdc_features_entities_written_total",
    type: "counter",
    help: "Entities whose features batches have written, each batch counted.",
    of: one(({ measures }) => measures.totals.entitiesWritten),
  },
  {
    name: "cdc_features_rows_written_total",
    type: "counter",
    help: "Rows of features that batches have written; an entity may have several.",
    of: one(({ measures }) => measures.totals.rowsWritten),
  },
  {
    name: "cdc_features_batches_total",
    type: "counter",
    help: "Micro-batches and real-time batches with records.",
    of: one(({ measures }) => measures.totals.batches),
  },
  {
    name: "cdc_features_runs_total",
    type: "counter",
    help: "Runs, by how they ended.",
    of: by("result", ({ measures }) => measures.totals.runs),
  },
  {
    name: "cdc_features_rows_quarantined_total",
    type: "counter",
    help: "Rows of features that rules kept from the stores.",
    of: one(({ measures }) => measures.totals.quarantined),
  },
  {
    name: "cdc_features_rule_violations_total",
    type: "counter",
    help: "Rows of features that broke a rule of validation.",
    of: ({ measures }, feature_set) =>
      Object.entries(measures.totals.violations).map(([rule, value]) => ({
        labels: { feature_set, rule, severity: measures.severities[rule] ?? "none" },
        value,
      })),
  },
  {
    name: "cdc_features_write_failures_total",
    type: "counter",
    help: "Batches that could not be written, by store.",
    of: by("store", ({ measures }) => measures.totals.writeFailures),
  },
  {
    name: "cdc_features_write_retries_total",
    type: "counter",
    help: "Writes that were sent again after the store had refused them, by store.",
    of: by("store", ({ measures }) => ({ redis: measures.totals.retries })),
  },
  {
    name: "cdc_features_batch_phase_seconds_total",
    type: "counter",
    help: "Time that batches took, by phase.",
    of: by("phase", ({ measures }) => measures.totals.phases),
  },
  {
    name: "cdc_features_batch_duration_seconds",
    type: "histogram",
    help: "Time that a batch took.",
    of: histogram(({ measures }) => measures.totals.batchSeconds),
  },
  {
    name: "cdc_features_freshness_seconds",
    type: "histogram",
    help: "Age of changes when their features could be read, from when they came to Kafka.",
    of: histogram(({ measures }) => measures.totals.ages),
  },
  {
    name: "cdc_features_recent_freshness_seconds",
    type: "gauge",
    help: "Percentiles of that age over the last five minutes, or the latest batch.",
    of: ({ measures, observed }, feature_set) => {
      const { p50, p95, p99 } = freshness(measures, observed.now);
      return Object.entries({ 50: p50, 95: p95, 99: p99 }).flatMap(([percentile, value]) =>
        value === null ? [] : [{ labels: { feature_set, percentile }, value }],
      );
    },
  },
  {
    name: "cdc_features_job_running",
    type: "gauge",
    help: "Whether a job of the set is running.",
    of: one(({ observed }) => Number(observed.running)),
  },
  {
    name: "cdc_features_scheduled",
    type: "gauge",
    help: "Whether the set is run on a schedule, so that no job of it runs in between.",
    of: one(({ measures }) => Number(measures.scheduled)),
  },
  {
    name: "cdc_features_events_per_second",
    type: "gauge",
    help: "Records per second of the newest batch.",
    of: one(({ measures }) => measures.last?.rowsPerSecond),
  },
  {
    name: "cdc_features_lag_events",
    type: "gauge",
    help: "Records in the topic that no batch has worked off: the lag in offsets.",
    of: one(({ observed }) => observed.lagEvents),
  },
  {
    name: "cdc_features_lag_seconds",
    type: "gauge",
    help: "At most how long the oldest of these records has waited.",
    of: one(({ measures, observed }) => lagSeconds(measures, observed)),
  },
  {
    name: "cdc_features_staleness_seconds",
    type: "gauge",
    help: "Time since the newest batch was written.",
    of: one(({ measures, observed }) => staleness(measures, observed.now)),
  },
  {
    name: "cdc_features_watermark_timestamp_seconds",
    type: "gauge",
    help: "The watermark, an event time.",
    of: one(({ measures }) => (measures.last?.watermark ? Date.parse(measures.last.watermark) / 1000 : null)),
  },
  {
    name: "cdc_features_last_batch_timestamp_seconds",
    type: "gauge",
    help: "When the newest batch was written.",
    of: one(({ measures }) => seconds(measures.last?.at)),
  },
  {
    name: "cdc_features_state_rows",
    type: "gauge",
    help: "Groups of rows that the job keeps.",
    of: one(({ measures }) => measures.last?.stateRows),
  },
  {
    name: "cdc_features_state_bytes",
    type: "gauge",
    help: "Size of what the job keeps.",
    of: one(({ measures }) => measures.last?.stateBytes),
  },
  {
    name: "cdc_features_online_entities",
    type: "gauge",
    help: "Entities in the online store.",
    of: one(({ online }) => online?.entities),
  },
  {
    name: "cdc_features_online_missing_values",
    type: "gauge",
    help: "Entities in the online store without a value of the feature.",
    of: by("feature", ({ online }) => online?.missing ?? {}),
  },
  {
    name: "cdc_features_online_newest_event_timestamp_seconds",
    type: "gauge",
    help: "The latest event time that is served.",
    of: one(({ online }) => seconds(online?.newestEventMs)),
  },
  {
    name: "cdc_features_objective_met",
    type: "gauge",
    help: "Whether an objective of the definition is met.",
    of: ({ measures, observed }, feature_set) =>
      objectives(measures, observed).map(({ name, met }) => ({
        labels: { feature_set, objective: written(name) },
        value: Number(met),
      })),
  },
  {
    name: "cdc_features_objective_target",
    type: "gauge",
    help: "What the objective allows at most: seconds, or a share.",
    of: ({ measures, observed }, feature_set) =>
      objectives(measures, observed).map(({ name, target }) => ({
        labels: { feature_set, objective: written(name) },
        value: target,
      })),
  },
];

/** As the definition has it: `freshnessP99Ms` is `freshness_p99`. */
export function written(name: string): string {
  return name
    .replace(/Ms$/, "")
    .replace(/([A-Z])/g, "_$1")
    .toLowerCase();
}

export function familiesOf(all: Watched[]): Family[] {
  return FAMILIES.map(({ of, ...family }) => ({
    ...family,
    values: all.flatMap((watched) => of(watched, watched.measures.featureSet)),
  }));
}
