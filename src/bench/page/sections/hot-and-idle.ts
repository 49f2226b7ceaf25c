import { type Markup, markup } from "../../../page/markup.ts";
import { count, seconds } from "../../../page/numbers.ts";
import { table } from "../../../page/table.ts";
import type { HotResult, IdleResult } from "../../document.ts";
import { median } from "../../statistics.ts";
import { aboutWay, freshnessTable } from "./freshness.ts";

export function hotSection({ rows, freshness }: HotResult): Markup {
  return markup`<section>
<h2>A hot key</h2>
<p class="note">One customer with ${count(rows)} orders in the window, and all changes are this customer's: how long from commit to readable.</p>
${freshnessTable([freshness])}
${aboutWay(freshness)}
</section>`;
}

export function idleSection({ read, commandSeconds, jobSeconds }: IdleResult): Markup {
  return markup`<section>
<h2>A run with nothing to do</h2>
<p class="note"><code>run customer</code> once more, with ${count(read)} events to read: the command from its start to its end, and its job as it tells itself.</p>
${table(
  ["", "median", "each"],
  [
    ["command", seconds(median(commandSeconds) ?? 0), commandSeconds.map(seconds).join(", ")],
    ["job", seconds(median(jobSeconds) ?? 0), jobSeconds.map(seconds).join(", ")],
  ],
)}
</section>`;
}
