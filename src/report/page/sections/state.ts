/** What the job remembers between batches. */
import { type Markup, markup } from "../../../page/markup.ts";
import { bytes, count } from "../../../page/numbers.ts";
import type { Runs } from "../../document.ts";

export function stateSection(runs: Runs | null): Markup {
  if (runs === null || runs.stateRows === null || runs.stateBytes === null)
    return markup`<section>
<h3>State</h3>
<p>There was no batch yet that told of its state.</p>
</section>`;
  return markup`<section>
<h3>State</h3>
<p class="note">What Spark remembers between batches, after the last one: a group for each entity and window, and the size of RocksDB.</p>
<div class="tiles"><div class="tile"><b>${count(runs.stateRows)}</b><span class="soft">rows of state</span></div><div class="tile"><b>${bytes(runs.stateBytes)}</b><span class="soft">size</span></div></div>
</section>`;
}
