/** Whether features are distributed as they were: the current period beside the reference. */
import type { Both, FeatureDrift, FeatureSetDrift, Histogram } from "../../../drift/feature-drift.ts";
import { type BarRow, bars } from "../../../page/bars.ts";
import { type Markup, markup } from "../../../page/markup.ts";
import { count, share, significant } from "../../../page/numbers.ts";
import { wordTable } from "../../../page/table.ts";
import { time } from "../words.ts";

const SERIES = [
  { name: "reference", colour: "c-decode" },
  { name: "current", colour: "c-exact" },
];

export function driftSection({ windows, reference, current, features }: FeatureSetDrift): Markup {
  return markup`<section>
<h3>Drift</h3>
<p class="note">Reference: ${time(reference.from)} to ${time(reference.to)}, ${count(reference.rows)} rows. Current: ${time(current.from)} to ${time(current.to)}, ${count(current.rows)} rows.
${fillingNote({ windows, reference, current })}
Shares are of all rows of a period; bins of numbers are cut at the deciles of the reference.</p>
${
  features.length === 0
    ? markup`<p>No feature of this set is looked at.</p>`
    : wordTable(
        "drift by feature",
        ["feature", "verdict", "psi", "ks", "nulls", "zeros", "median", "mean"],
        features.map(cells),
      )
}
<div class="charts">${features.map(chart)}</div>
</section>`;
}

function fillingNote({ windows, reference, current }: Omit<FeatureSetDrift, "name" | "features">): string {
  if (windows === "finished")
    return `Windows count that ended in the period; ${count(current.filling)} that are still filling are left out.`;
  if (reference.filling + current.filling === 0) return "";
  return `Of the rows ${count(reference.filling)} and ${count(current.filling)} are of windows that were still filling, with smaller counts and sums than full ones.`;
}

function cells(feature: FeatureDrift): string[] {
  const { verdict, reasons, psi, ks, nullRate, zeroRate, summary } = feature;
  return [
    feature.feature,
    [verdict, ...(reasons.length > 0 ? [reasons.join("; ")] : [])].join(": "),
    ...[psi, ks].map((value) => (value === null ? "–" : value.toFixed(3))),
    ...[nullRate, zeroRate].map((rates) => both(rates, share)),
    both(summary && { reference: summary.reference.median, current: summary.current.median }, significant),
    both(summary && { reference: summary.reference.mean, current: summary.current.mean }, significant),
  ];
}

function both(values: Both<number | null> | null, shown: (value: number) => string): string {
  if (values === null) return "–";
  const text = (value: number | null) => (value === null ? "–" : shown(value));
  return `${text(values.reference)} → ${text(values.current)}`;
}

/** Nothing where there is no distribution: of times, and where nothing was compared. */
function chart({ feature, verdict, histogram }: FeatureDrift): Markup {
  if (histogram === null) return markup``;
  const rows = rowsOf(histogram);
  const told = rows.map(({ label, bars }) => `${label} ${bars.map(({ shown }) => shown).join(" to ")}`);
  return markup`<figure><figcaption>${feature}: ${verdict}</figcaption>${bars({
    title: `distribution of ${feature}, reference to current: ${told.join(", ")}`,
    series: SERIES,
    rows,
  })}</figure>`;
}

function rowsOf(histogram: Histogram): BarRow[] {
  const bins = ("edges" in histogram ? ranges(histogram.edges) : histogram.categories).map((label, i) =>
    row(label, { reference: histogram.reference[i] ?? 0, current: histogram.current[i] ?? 0 }),
  );
  const others = [
    ...("other" in histogram ? [row("all others", histogram.other)] : []),
    row("null", histogram.nulls),
  ];
  return [...bins, ...others.filter((one) => one.bars.some(({ value }) => value > 0))];
}

function row(label: string, { reference, current }: Both<number>): BarRow {
  return { label, bars: [reference, current].map((value) => ({ value, shown: share(value) })) };
}

/** Of bins that are separated by edges, which belong to the bin below. */
function ranges(edges: number[]): string[] {
  const [first] = edges;
  if (first === undefined) return ["any value"];
  const between = edges
    .slice(1)
    .map((edge, i) => `${significant(edges[i] as number)} – ${significant(edge)}`);
  return [`≤ ${significant(first)}`, ...between, `> ${significant(edges.at(-1) as number)}`];
}
