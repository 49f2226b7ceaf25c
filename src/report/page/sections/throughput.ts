/** How much the job works off, and where its time goes. */
import { type Markup, markup } from "../../../page/markup.ts";
import { count, duration, share, short } from "../../../page/numbers.ts";
import { stacked } from "../../../page/stacked.ts";
import { table } from "../../../page/table.ts";
import { timeline } from "../../../page/timeline.ts";
import type { RecentBatch, Runs } from "../../document.ts";
import { NOTHING_TOLD, span } from "../words.ts";

export function throughputSection(runs: Runs | null): Markup {
  const batches = (runs?.recent ?? []).filter(({ seconds }) => seconds !== null);
  if (runs === null || batches.length === 0)
    return markup`<section>
<h3>Throughput</h3>
<p>${runs === null ? NOTHING_TOLD : "There was no batch yet."}</p>
</section>`;
  return markup`<section>
<h3>Throughput</h3>
<div class="charts">
${chart("Events per second", batches, "c-exact", ({ eventsPerSecond }) => eventsPerSecond, short)}
${chart("Time of a batch", batches, "c-plain", ({ seconds }) => seconds, duration)}
${phases(runs)}
</div>
${phaseTable(runs)}
</section>`;
}

function chart(
  caption: string,
  batches: RecentBatch[],
  colour: string,
  of: (batch: RecentBatch) => number | null,
  yTick: (value: number) => string,
): Markup {
  return markup`<figure><figcaption>${caption}, the latest ${count(batches.length)} batches</figcaption>${timeline(
    {
      title: `${caption} of the latest ${batches.length} batches`,
      ...span(batches),
      yTick,
      series: [{ name: caption, colour, values: batches.map(of) }],
    },
  )}</figure>`;
}

function phases({ allPhases, phases }: Runs): Markup {
  if (Object.keys(allPhases).length === 0) return markup``;
  const told = Object.entries(allPhases).map(([name, seconds]) => `${name} ${cell(seconds, allPhases)}`);
  return markup`<figure><figcaption>Time of batches by phase</figcaption>${stacked(
    `time of all batches by phase: ${told.join(", ")}`,
    [
      { label: `all batches: ${duration(sum(allPhases))}`, parts: allPhases },
      { label: `the last batch: ${duration(sum(phases))}`, parts: phases },
    ],
  )}</figure>`;
}

function phaseTable({ allPhases, phases }: Runs): Markup {
  const names = Object.keys(allPhases);
  if (names.length === 0) return markup``;
  return table(
    ["phase", "all batches", "last batch"],
    names.map((name) => [name, cell(allPhases[name], allPhases), cell(phases[name], phases)]),
  );
}

function cell(seconds: number | undefined, parts: Record<string, number>): string {
  const whole = sum(parts);
  if (seconds === undefined) return "–";
  return whole === 0 ? duration(seconds) : `${duration(seconds)}, ${share(seconds / whole)}`;
}

function sum(parts: Record<string, number>): number {
  return Object.values(parts).reduce((all, one) => all + one, 0);
}
