/** Metrics as text: OpenMetrics, or Prometheus' own older form. */
import { type Metric, Registry } from "prom-client";
import type { Family } from "./families.ts";

export type Form = "openmetrics" | "prometheus";

/** What a scraper accepts, by its header. */
export function formFor(accept: string | undefined): Form {
  return accept?.includes("application/openmetrics-text") ? "openmetrics" : "prometheus";
}

export interface Exposition {
  contentType: string;
  text: string;
}

export async function expose(families: Family[], form: Form): Promise<Exposition> {
  const type = form === "openmetrics" ? Registry.OPENMETRICS_CONTENT_TYPE : Registry.PROMETHEUS_CONTENT_TYPE;
  const registry = new Registry<typeof type>();
  registry.setContentType(type);
  for (const family of families) if (family.values.length > 0) registry.registerMetric(metricOf(family));
  return { contentType: registry.contentType, text: await registry.metrics() };
}

/** The registry only asks a metric for its values, which are those of a moment here. */
function metricOf({ name, help, type, values }: Family): Metric {
  const told = values.map(({ labels, value, suffix }) => ({
    labels,
    value,
    ...(suffix && { metricName: `${name}${suffix}` }),
  }));
  const metric = {
    name,
    help,
    type,
    async get() {
      return { name: metric.name, help, type, values: told, aggregator: "sum" };
    },
  };
  return metric as unknown as Metric;
}
