/** What ran, and what became of the events. */
import { bars } from "../../../page/bars.ts";
import { facts } from "../../../page/facts.ts";
import { type Markup, markup } from "../../../page/markup.ts";
import { count } from "../../../page/numbers.ts";
import type { Runs } from "../../document.ts";
import { NOTHING_TOLD, time, words } from "../words.ts";

export function runsSection(runs: Runs | null): Markup {
  if (runs === null)
    return markup`<section>
<h3>What ran</h3>
<p>${NOTHING_TOLD}</p>
</section>`;
  const ended = Object.entries(runs.runs).map(([result, number]) => `${count(number)} ${result}`);
  const outcomes = Object.entries(runs.events);
  return markup`<section>
<h3>What ran</h3>
${facts({
  mode: runs.mode,
  now: runs.running ? "a run is on" : "no run is on",
  "runs that ended": ended.join(", "),
  "last run": runs.lastRun === null ? "not known" : `${runs.lastRun.result}, ${time(runs.lastRun.at)}`,
  batches: count(runs.batches),
  "last batch": runs.lastBatch === null ? "none yet" : time(runs.lastBatch),
  watermark: runs.watermark === null ? "none yet" : time(runs.watermark),
  "records read": runs.read === null ? "not known" : count(runs.read),
  "waiting in the topic": runs.lagEvents === null ? "not known" : count(runs.lagEvents),
  "rows written": count(runs.rowsWritten),
  "writes that failed": Object.entries(runs.writeFailures)
    .map(([store, number]) => `${count(number)} ${store}`)
    .join(", "),
  "calls of Redis sent again": count(runs.writeRetries),
})}
<div class="charts"><figure><figcaption>Events by what became of them</figcaption>${bars({
    title: `events by outcome: ${outcomes.map(([outcome, number]) => `${count(number)} ${words(outcome)}`).join(", ")}`,
    series: [{ name: "events", colour: "c-exact" }],
    rows: outcomes.map(([outcome, number]) => ({
      label: words(outcome),
      bars: [{ value: number, shown: count(number) }],
    })),
  })}</figure></div>
</section>`;
}
