/** A dashboard for Grafana over the metrics of feature sets; its form is checked against Grafana's own types. */
import type { Dataquery as AnyQuery } from "@grafana/grafana-foundation-sdk/cog";
import type { Dashboard, Panel } from "@grafana/grafana-foundation-sdk/dashboard";
import type { Dataquery as PrometheusQuery } from "@grafana/grafana-foundation-sdk/prometheus";

/** As it stands in JSON: enumerations are their texts, and queries those of Prometheus. */
type Written<T> = T extends string
  ? `${T}`
  : T extends number | boolean | null | undefined
    ? T
    : T extends (infer U)[]
      ? Written<U>[]
      : T extends AnyQuery
        ? Omit<PrometheusQuery, "_implementsDataqueryVariant">
        : { [K in keyof T]: Written<T[K]> };

type Unit = "s" | "short" | "bytes" | "percentunit" | "eps";

interface Chart {
  title: string;
  description: string;
  unit: Unit;
  /** PromQL, and what a line of it is called. */
  lines: [expression: string, legend: string][];
  kind?: "timeseries" | "stat";
}

const SET = 'feature_set=~"$feature_set"';
const quantile = (share: number) =>
  `histogram_quantile(${share}, sum by (feature_set, le) (rate(cdc_features_freshness_seconds_bucket{${SET}}[$__rate_interval])))`;

const ROWS: { title: string; charts: Chart[] }[] = [
  {
    title: "Is it all right",
    charts: [
      {
        title: "Objectives met",
        description: "Of those that the definitions name; 1 is met.",
        unit: "short",
        kind: "stat",
        lines: [
          [
            `min by (feature_set, objective) (cdc_features_objective_met{${SET}})`,
            "{{feature_set}} {{objective}}",
          ],
        ],
      },
      {
        title: "Jobs running",
        description: "1 while a job of the set is running.",
        unit: "short",
        kind: "stat",
        lines: [[`cdc_features_job_running{${SET}}`, "{{feature_set}}"]],
      },
      {
        title: "Staleness",
        description: "Time since the newest batch was written.",
        unit: "s",
        kind: "stat",
        lines: [[`cdc_features_staleness_seconds{${SET}}`, "{{feature_set}}"]],
      },
      {
        title: "Events that wait",
        description: "Records in the topic that no batch has worked off.",
        unit: "short",
        kind: "stat",
        lines: [[`cdc_features_lag_events{${SET}}`, "{{feature_set}}"]],
      },
    ],
  },
  {
    title: "Freshness",
    charts: [
      {
        title: "Age of changes when they can be read",
        description: "From when they came to Kafka until their features were in Redis.",
        unit: "s",
        lines: [
          [quantile(0.5), "{{feature_set}} p50"],
          [quantile(0.95), "{{feature_set}} p95"],
          [quantile(0.99), "{{feature_set}} p99"],
        ],
      },
      {
        title: "Lag",
        description: "At most how long the oldest waiting record has waited.",
        unit: "s",
        lines: [[`cdc_features_lag_seconds{${SET}}`, "{{feature_set}}"]],
      },
      {
        title: "Behind the clock: watermark and newest event served",
        description: "Distance of event times to now.",
        unit: "s",
        lines: [
          [`time() - cdc_features_watermark_timestamp_seconds{${SET}}`, "{{feature_set}} watermark"],
          [
            `time() - cdc_features_online_newest_event_timestamp_seconds{${SET}}`,
            "{{feature_set}} newest event",
          ],
        ],
      },
    ],
  },
  {
    title: "Throughput",
    charts: [
      {
        title: "Events",
        description: "Records read, by what became of them.",
        unit: "eps",
        lines: [
          [
            `sum by (feature_set, outcome) (rate(cdc_features_events_total{${SET}}[$__rate_interval]))`,
            "{{feature_set}} {{outcome}}",
          ],
        ],
      },
      {
        title: "Time of a batch, by phase",
        description: "Seconds of each second that batches spend in a phase.",
        unit: "s",
        lines: [
          [
            `sum by (feature_set, phase) (rate(cdc_features_batch_phase_seconds_total{${SET}}[$__rate_interval]))`,
            "{{feature_set}} {{phase}}",
          ],
        ],
      },
      {
        title: "State",
        description: "Size of what the job keeps.",
        unit: "bytes",
        lines: [[`cdc_features_state_bytes{${SET}}`, "{{feature_set}}"]],
      },
    ],
  },
  {
    title: "Trust",
    charts: [
      {
        title: "Rows that broke rules",
        description: "Per rule of validation.",
        unit: "short",
        lines: [
          [
            `sum by (feature_set, rule, severity) (increase(cdc_features_rule_violations_total{${SET}}[$__rate_interval]))`,
            "{{feature_set}} {{rule}} ({{severity}})",
          ],
        ],
      },
      {
        title: "Entities without a value",
        description: "Share of the entities in Redis that lack the feature.",
        unit: "percentunit",
        lines: [
          [
            `cdc_features_online_missing_values{${SET}} / on (feature_set) group_left () cdc_features_online_entities{${SET}}`,
            "{{feature_set}} {{feature}}",
          ],
        ],
      },
      {
        title: "Writes that failed or were sent again",
        description: "By store.",
        unit: "short",
        lines: [
          [
            `sum by (feature_set, store) (increase(cdc_features_write_failures_total{${SET}}[$__rate_interval]))`,
            "{{feature_set}} {{store}} failed",
          ],
          [
            `sum by (feature_set, store) (increase(cdc_features_write_retries_total{${SET}}[$__rate_interval]))`,
            "{{feature_set}} {{store}} sent again",
          ],
        ],
      },
    ],
  },
];

const WIDTH = 24;
const HEIGHT = { stat: 5, timeseries: 8 };
// biome-ignore lint/suspicious/noTemplateCurlyInString: a variable of Grafana's
const SOURCE = { type: "prometheus", uid: "${datasource}" };

export function dashboard(): Written<Dashboard> {
  const panels: Written<Dashboard>["panels"] = [];
  let y = 0;
  for (const { title, charts } of ROWS) {
    panels.push({
      type: "row",
      id: panels.length + 1,
      title,
      collapsed: false,
      gridPos: { x: 0, y, w: WIDTH, h: 1 },
      panels: [],
    });
    y += 1;
    const w = WIDTH / charts.length;
    const h = HEIGHT[charts[0]?.kind ?? "timeseries"];
    for (const [i, chart] of charts.entries()) {
      panels.push(panelOf(chart, panels.length + 1, { x: i * w, y, w, h }));
    }
    y += h;
  }
  return {
    uid: "cdc-features",
    title: "cdc-features",
    description: "Feature sets computed from change events: freshness, throughput, state, validation.",
    tags: ["cdc-features"],
    timezone: "utc",
    editable: true,
    schemaVersion: 39,
    refresh: "10s",
    time: { from: "now-30m", to: "now" },
    templating: {
      list: [
        { type: "datasource", name: "datasource", label: "Prometheus", query: "prometheus" },
        {
          type: "query",
          name: "feature_set",
          label: "feature set",
          datasource: SOURCE,
          query: "label_values(cdc_features_batches_total, feature_set)",
          includeAll: true,
          multi: true,
          current: { text: "All", value: "$__all" },
          refresh: 2,
        },
      ],
    },
    annotations: { list: [] },
    panels,
  };
}

function panelOf(
  { title, description, unit, lines, kind = "timeseries" }: Chart,
  id: number,
  gridPos: NonNullable<Written<Panel>["gridPos"]>,
): Written<Panel> {
  return {
    id,
    type: kind,
    title,
    description,
    datasource: SOURCE,
    gridPos,
    targets: lines.map(([expr, legendFormat], i) => ({
      refId: String.fromCharCode("A".charCodeAt(0) + i),
      datasource: SOURCE,
      expr,
      legendFormat,
    })),
    fieldConfig: { defaults: { unit, min: 0 }, overrides: [] },
  };
}
