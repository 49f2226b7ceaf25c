/** What a reader comes for: one verdict, and each line that it stands on. */
import { type Markup, markup } from "../../../page/markup.ts";
import { count } from "../../../page/numbers.ts";
import type { Check, ReportDocument } from "../../document.ts";

const WORDS: Record<Check["result"], string> = { pass: "PASS", fail: "FAIL", skipped: "SKIPPED" };

export function summary({ ok, against, featureSets }: ReportDocument): Markup {
  const all = featureSets.flatMap(({ checks }) => checks);
  const of = (result: Check["result"]) => count(all.filter((check) => check.result === result).length);
  return markup`<section id="summary">
<h2>Summary</h2>
<p class="verdict ${ok ? "pass" : "fail"}">${ok ? "PASS" : "FAIL"}</p>
<p>${count(all.length)} checks of ${count(featureSets.length)} feature ${featureSets.length === 1 ? "set" : "sets"}: ${of("pass")} passed, ${of("fail")} failed, ${of("skipped")} skipped.${
    against === null && " Verification was left out (--no-verify)."
  }</p>
${featureSets.map(
  ({ name, checks }) => markup`<h3>${name}</h3>
<ul class="checks">${checks.map(
    (check) => markup`
<li class="${check.result}"><span class="result">${WORDS[check.result]}</span><span>${check.name}</span><span class="reason">${check.reason}</span></li>`,
  )}
</ul>
`,
)}</section>`;
}
