/** How old changes were when they could be read. */
import { bars } from "../../../page/bars.ts";
import { type Markup, markup } from "../../../page/markup.ts";
import { count, duration, share } from "../../../page/numbers.ts";
import { timeline } from "../../../page/timeline.ts";
import type { Runs } from "../../document.ts";
import { NOTHING_TOLD, span, tile } from "../words.ts";

export function freshnessSection(runs: Runs | null): Markup {
  if (runs === null || runs.ages.every(({ changes }) => changes === 0))
    return markup`<section>
<h3>Freshness</h3>
<p>${runs === null ? NOTHING_TOLD : "No run has told how old its changes were."}</p>
</section>`;
  const { p50, p95, p99 } = runs.freshnessSeconds;
  return markup`<section>
<h3>Freshness</h3>
<p class="note">The age of a change is the time from its coming to Kafka to the moment at which its features could be read. The numbers are of the last five minutes before the report, or of the latest
batch where there were no changes in them; the histogram is of all runs.</p>
<div class="tiles">${tile(p50, "50 of 100 changes (p50)")}${tile(p95, "95 of 100 (p95)")}${tile(p99, "99 of 100 (p99)")}${tile(runs.stalenessSeconds, "since the last batch")}</div>
<div class="charts">${histogram(runs)}${recent(runs)}</div>
</section>`;
}

function histogram({ ages }: Runs): Markup {
  const all = ages.reduce((sum, { changes }) => sum + changes, 0);
  const first = ages.findIndex(({ changes }) => changes > 0);
  const last = ages.findLastIndex(({ changes }) => changes > 0);
  // One empty one on either side shows where it ends.
  const shown = ages.slice(Math.max(first - 1, 0), last + 2);
  const beyond = duration(ages.at(-2)?.upTo ?? 0);
  const label = (upTo: number | null) => (upTo === null ? `more than ${beyond}` : `up to ${duration(upTo)}`);
  return markup`<figure><figcaption>Changes by their age, all runs</figcaption>${bars({
    title: `changes by age: ${shown.map(({ upTo, changes }) => `${count(changes)} ${label(upTo)}`).join(", ")}`,
    series: [{ name: "changes", colour: "c-append" }],
    rows: shown.map(({ upTo, changes }) => ({
      label: label(upTo),
      bars: [{ value: changes, shown: share(changes / all) }],
    })),
  })}</figure>`;
}

function recent({ recent }: Runs): Markup {
  const told = recent.filter(({ p99 }) => p99 !== null);
  if (told.length === 0) return markup``;
  return markup`<figure><figcaption>Age of changes, the latest ${count(told.length)} batches</figcaption>${timeline(
    {
      title: `age of the changes of the latest ${told.length} batches, median and 99 of 100`,
      ...span(told),
      yTick: duration,
      series: [
        { name: "99 of 100 (p99)", colour: "c-plain", values: told.map(({ p99 }) => p99) },
        { name: "median (p50)", colour: "c-exact", dashed: true, values: told.map(({ p50 }) => p50) },
      ],
    },
  )}</figure>`;
}
