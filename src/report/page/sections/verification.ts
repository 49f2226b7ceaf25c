/** What the second, independent computation found. */
import { type Markup, markup } from "../../../page/markup.ts";
import { count } from "../../../page/numbers.ts";
import { wordTable } from "../../../page/table.ts";
import type { Findings, ReportDocument } from "../../document.ts";

export function verificationSection(
  { verification, hasWritten }: Findings,
  against: ReportDocument["against"],
): Markup {
  if (verification === null)
    return markup`<section>
<h3>Verification</h3>
<p>${hasWritten ? "It was left out (--no-verify): nothing is said of whether the stores hold the right values." : "There is nothing to verify before the first run."}</p>
</section>`;
  const { expected, online, offline, checkedValues, differences, first } = verification;
  const tile = (value: number, words: string) =>
    markup`<div class="tile"><b>${count(value)}</b><span class="soft">${words}</span></div>`;
  return markup`<section>
<h3>Verification</h3>
<p class="note">Every value of both stores was compared with what a second computation, without Spark, makes of ${against === "source" ? "the table in Postgres" : "the change log in Kafka"}.</p>
<div class="tiles">${tile(expected, "entities expected")}${tile(online, "online, in Redis")}${tile(offline, "offline, in Parquet")}${tile(checkedValues, "values compared")}${tile(differences, "differences")}</div>
${
  differences === 0
    ? markup`<p>No value differs.</p>`
    : markup`<p>${differences > first.length ? `The first ${count(first.length)} of ${count(differences)} differences` : "All differences"}:</p>
${wordTable(
  "differences",
  ["entity", "store", "feature", "kind", "expected", "actual", "why"],
  first.map((one) => [
    ...[one.entity ?? "–", one.store, one.feature ?? "–", one.kind],
    ...[one.expected ?? "–", one.actual ?? "–", one.because],
  ]),
)}`
}
</section>`;
}
