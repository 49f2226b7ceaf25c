/** What comes from where. */
import { type Markup, markup } from "../../../page/markup.ts";
import { wordTable } from "../../../page/table.ts";
import type { Lineage } from "../../document.ts";
import { dependencies } from "../dependencies.ts";
import { flow } from "../flow.ts";

export function lineageSection(name: string, lineage: Lineage): Markup {
  return markup`<section>
<h3>Lineage</h3>
<div class="charts"><figure><figcaption>From the table to the stores</figcaption>${flow(name, lineage)}</figure></div>
<figure class="wide"><figcaption>Feature by feature</figcaption>
<p class="note">Columns at the left, then the features that are computed from them, then those that derive from features. Which entity and window a row belongs to goes by the entity key and the event
time; that is not drawn.</p>
<div class="scroll" role="region" aria-label="lineage of each feature" tabindex="0">${dependencies(lineage)}</div></figure>
${wordTable(
  "what each feature is made of",
  ["feature", "type", "what it is", "columns", "derives from", "description"],
  lineage.features.map((feature) => [
    ...[feature.name, feature.type, feature.meaning],
    ...[feature.columns, feature.features].map((names) => names.join(", ") || "–"),
    feature.description || "–",
  ]),
)}
</section>`;
}
