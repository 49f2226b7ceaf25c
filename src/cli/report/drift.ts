/** Drift on the screen: a table per set, and what came out of it in the last line. */
import type { ChalkInstance } from "chalk";
import type { Both, FeatureDrift, FeatureSetDrift, PeriodRows } from "../../drift/feature-drift.ts";
import { formatTable } from "./table.ts";

const number = new Intl.NumberFormat("en-US");

export function driftLines(featureSets: FeatureSetDrift[], paint: ChalkInstance): string {
  const features = featureSets.flatMap((set) => set.features);
  return [...featureSets.map((set) => setLines(set, paint)), verdictLine(features, paint)].join("\n\n");
}

function setLines(set: FeatureSetDrift, paint: ChalkInstance): string {
  const { name, reference, current, features } = set;
  const rows = `${number.format(reference.rows)} → ${number.format(current.rows)}`;
  const table = formatTable(
    ["feature", "rows", "nulls", "zeros", "psi", "ks", "verdict"],
    features.map((feature) => [
      feature.feature,
      rows,
      percents(feature.nullRate),
      percents(feature.zeroRate),
      measure(feature.psi),
      measure(feature.ks),
      verdict(feature, paint),
    ]),
  );
  const head = `${name}: reference ${span(reference)} → current ${span(current)}`;
  return [head, table, ...fillingLine(set)].join("\n");
}

function fillingLine({ windows, reference, current }: FeatureSetDrift): string[] {
  if (windows === "finished") {
    if (current.filling === 0) return [];
    return [
      `${number.format(current.filling)} windows that are still filling are left out; --windows all looks at them, too`,
    ];
  }
  if (reference.filling + current.filling === 0) return [];
  const both = `${number.format(reference.filling)} → ${number.format(current.filling)}`;
  return [
    `of the rows ${both} are of windows that were still filling, with smaller counts and sums than full ones`,
  ];
}

function span({ from, to }: PeriodRows): string {
  return `${short(from)}..${short(to)}`;
}

/** To the second, and a day's start as the day: as the options take it. */
function short(time: string): string {
  return time.replace(/\.\d+Z$/, "Z").replace("T00:00:00Z", "");
}

function percents(rates: Both<number> | null): string {
  if (rates === null) return "-";
  return `${percent(rates.reference)} → ${percent(rates.current)}`;
}

function percent(share: number): string {
  return `${Number((share * 100).toFixed(1))} %`;
}

function measure(value: number | null): string {
  return value === null ? "-" : value.toFixed(3);
}

function verdict({ verdict, reasons }: FeatureDrift, paint: ChalkInstance): string {
  const text = [verdict, ...(reasons.length > 0 ? [reasons.join("; ")] : [])].join(": ");
  return verdict === "drifted" ? paint.red(text) : text;
}

function verdictLine(features: FeatureDrift[], paint: ChalkInstance): string {
  const count = (wanted: FeatureDrift["verdict"]) =>
    features.filter(({ verdict }) => verdict === wanted).length;
  const [drifted, skipped] = [count("drifted"), count("not compared")];
  const text = `${drifted} of ${features.length} features drifted${skipped > 0 ? `, ${skipped} not compared` : ""}`;
  return drifted > 0
    ? paint.red(`✗ ${text}`)
    : `${skipped < features.length ? paint.green("✓") : "-"} ${text}`;
}
