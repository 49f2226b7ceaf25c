/** Alert rules for Prometheus over the metrics of feature sets. */
import { stringify } from "yaml";

interface Alert {
  alert: string;
  expr: string;
  /** How long it must be so. */
  for: string;
  severity: "page" | "ticket";
  summary: string;
  description: string;
}

/** Shares of an hour, so that one wrong row among a few is no news. */
const share = (part: string, all: string) => `sum by (feature_set) (increase(${part}[1h])) / (${all})`;
const increased = (metric: string) => `sum by (feature_set) (increase(${metric}[1h]))`;

const ALERTS: Alert[] = [
  {
    alert: "CdcFeaturesObjectiveMissed",
    expr: "cdc_features_objective_met == 0",
    for: "5m",
    severity: "page",
    summary: "{{ $labels.feature_set }} misses its objective {{ $labels.objective }}",
    description: "`cdc-features status` shows what it is, and what the definition allows.",
  },
  {
    alert: "CdcFeaturesLagging",
    expr: "cdc_features_lag_seconds > 60 and cdc_features_job_running == 1",
    for: "5m",
    severity: "page",
    summary: "{{ $labels.feature_set }} is {{ $value | humanizeDuration }} behind its topic",
    description: "The job runs and does not keep up: see the time of a batch by phase, and docs/tuning.md.",
  },
  {
    alert: "CdcFeaturesJobDown",
    expr: "cdc_features_job_running == 0 and cdc_features_lag_events > 0 unless cdc_features_scheduled == 1",
    for: "15m",
    severity: "page",
    summary: "No job computes {{ $labels.feature_set }}, though events wait",
    description:
      "Events wait in the topic, and no job of the set is running: `cdc-features run {{ $labels.feature_set }}`.",
  },
  {
    alert: "CdcFeaturesRunFailed",
    expr: 'increase(cdc_features_runs_total{result="failed"}[15m]) > 0',
    for: "0m",
    severity: "ticket",
    summary: "A run of {{ $labels.feature_set }} has failed",
    description:
      "`cdc-features logs {{ $labels.feature_set }}` has the reason; the next run goes on from the checkpoint.",
  },
  {
    alert: "CdcFeaturesWriteFailures",
    expr: "increase(cdc_features_write_failures_total[15m]) > 0",
    for: "0m",
    severity: "page",
    summary: "{{ $labels.feature_set }} cannot be written to {{ $labels.store }}",
    description: "The batch is run again by the next run; nothing is lost, and features go stale meanwhile.",
  },
  {
    alert: "CdcFeaturesQuarantine",
    expr: `${share("cdc_features_rows_quarantined_total", `${increased("cdc_features_rows_written_total")} + ${increased("cdc_features_rows_quarantined_total")}`)} > 0.01`,
    for: "5m",
    severity: "ticket",
    summary: "{{ $value | humanizePercentage }} of the rows of {{ $labels.feature_set }} break rules",
    description: "`cdc-features quarantine {{ $labels.feature_set }}` shows them, with the reasons.",
  },
  {
    alert: "CdcFeaturesDeadLetters",
    expr: `${share('cdc_features_events_total{outcome="dead_letter"}', increased("cdc_features_events_total"))} > 0.01`,
    for: "5m",
    severity: "ticket",
    summary: "{{ $value | humanizePercentage }} of the events of {{ $labels.feature_set }} cannot be read",
    description:
      "They are beside the checkpoint in dead-letters/{{ $labels.feature_set }}, each with its reason.",
  },
  {
    alert: "CdcFeaturesValuesMissing",
    expr: "cdc_features_online_missing_values / on (feature_set) group_left () cdc_features_online_entities > 0.5",
    for: "15m",
    severity: "ticket",
    summary:
      "{{ $value | humanizePercentage }} of the entities of {{ $labels.feature_set }} have no {{ $labels.feature }}",
    description: "The column that the feature reads may be null, or gone from the table.",
  },
];

/** A rule file, as YAML. */
export function alertRules(): string {
  const rules = ALERTS.map(({ severity, summary, description, ...rule }) => ({
    ...rule,
    labels: { severity },
    annotations: { summary, description },
  }));
  return stringify({ groups: [{ name: "cdc-features", rules }] }, { lineWidth: 0 });
}
