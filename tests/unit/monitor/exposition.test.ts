import { expect, test } from "vitest";
import { parse } from "yaml";
import { alertRules } from "../../../src/monitor/alerts.ts";
import { dashboard } from "../../../src/monitor/dashboard.ts";
import { expose, formFor } from "../../../src/monitor/exposition.ts";
import { familiesOf, type Watched } from "../../../src/monitor/families.ts";
import { withBatch } from "../../../src/monitor/measures.ts";
import { serveMetrics } from "../../../src/monitor/serve.ts";
import { NOW, nothing, told } from "./told.ts";

const watched: Watched = {
  measures: withBatch(nothing({ freshnessP99Ms: 5_000 }), told(), NOW),
  observed: { lagEvents: 3, running: true, now: NOW },
  online: { entities: 4, missing: { total_spend_30d: 1 }, newestEventMs: NOW - 1_000 },
};

test("OpenMetrics has what was told, and ends as it must", async () => {
  const { text, contentType } = await expose(familiesOf([watched]), "openmetrics");
  expect(contentType).toBe("application/openmetrics-text; version=1.0.0; charset=utf-8");
  const lines = text.split("\n");
  for (const line of [
    "# TYPE cdc_features_events counter",
    'cdc_features_events_total{feature_set="customer",outcome="dead_letter"} 1',
    'cdc_features_rule_violations_total{feature_set="customer",rule="positive",severity="quarantine"} 1',
    'cdc_features_freshness_seconds_bucket{feature_set="customer",le="0.25"} 5',
    'cdc_features_freshness_seconds_bucket{feature_set="customer",le="+Inf"} 10',
    'cdc_features_freshness_seconds_count{feature_set="customer"} 10',
    'cdc_features_recent_freshness_seconds{feature_set="customer",percentile="99"} 4',
    'cdc_features_lag_events{feature_set="customer"} 3',
    'cdc_features_lag_seconds{feature_set="customer"} 2',
    'cdc_features_watermark_timestamp_seconds{feature_set="customer"} 1799996400',
    'cdc_features_online_missing_values{feature_set="customer",feature="total_spend_30d"} 1',
    'cdc_features_objective_met{feature_set="customer",objective="freshness_p99"} 1',
  ])
    expect(lines).toContain(line);
  expect(text.endsWith("# EOF\n")).toBe(true);
});

test("the older form names counters as they are scraped, and no entity is a label", async () => {
  const { text } = await expose(familiesOf([watched]), "prometheus");
  expect(text).toContain("# TYPE cdc_features_events_total counter\n");
  expect(text).not.toContain("# EOF");
  const labels = new Set([...text.matchAll(/[{,](\w+)=/g)].map(([, name]) => name));
  expect([...labels].sort()).toEqual(
    [
      "feature",
      "feature_set",
      "le",
      "objective",
      "outcome",
      "percentile",
      "phase",
      "result",
      "rule",
      "severity",
      "store",
    ].sort(),
  );
});

test("scrapers get what they accept, on this machine only, and nothing else is served", async () => {
  expect(formFor("application/openmetrics-text;version=1.0.0,text/plain;q=0.5")).toBe("openmetrics");
  expect(formFor(undefined)).toBe("prometheus");
  let asked = 0;
  const server = await serveMetrics(0, async () => {
    asked += 1;
    if (asked === 3) throw new Error("no measures");
    return familiesOf([watched]);
  });
  const address = server.address() as { port: number; address: string };
  const url = `http://127.0.0.1:${address.port}`;
  try {
    expect(address.address).toBe("127.0.0.1");
    expect(await (await fetch(`${url}/metrics`)).text()).toContain("cdc_features_batches_total");
    const open = await fetch(`${url}/metrics`, { headers: { accept: "application/openmetrics-text" } });
    expect(open.headers.get("content-type")).toContain("openmetrics");
    expect((await fetch(`${url}/metrics`)).status).toBe(500);
    expect((await fetch(`${url}/secrets`)).status).toBe(404);
    expect((await fetch(`${url}/metrics`, { method: "POST" })).status).toBe(405);
    await expect(serveMetrics(address.port, async () => [])).rejects.toThrow(/port \d+ is taken by .*node/);
  } finally {
    server.closeAllConnections();
    server.close();
  }
});

test("dashboard and alerts ask for metrics that there are", () => {
  const served = familiesOf([watched]).map(({ name }) => name);
  const parts = (name: string) => [name, `${name}_bucket`];
  const known = new Set(served.flatMap(parts));
  const panels = (dashboard().panels ?? []) as { targets?: { expr?: string }[]; id?: number }[];
  const expressions = [
    ...panels.flatMap(({ targets }) => (targets ?? []).map(({ expr }) => expr ?? "")),
    ...parse(alertRules()).groups[0].rules.map(({ expr }: { expr: string }) => expr),
  ];
  expect(expressions.length).toBeGreaterThan(20);
  for (const expression of expressions) {
    const asked = [...expression.matchAll(/cdc_features_\w+/g)].map(([name]) => name);
    expect(asked.length, expression).toBeGreaterThan(0);
    for (const name of asked) expect(known, expression).toContain(name);
  }
  expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
});
