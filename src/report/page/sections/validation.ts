/** The rules that rows must hold to, and rows that did not. */
import { type Markup, markup } from "../../../page/markup.ts";
import { count } from "../../../page/numbers.ts";
import { wordTable } from "../../../page/table.ts";
import type { Findings } from "../../document.ts";
import { timeCell } from "../words.ts";

export function validationSection({ rules, quarantine }: Findings): Markup {
  return markup`<section>
<h3>Validation</h3>
${
  rules.length === 0
    ? markup`<p>The definition has no rules of validation.</p>`
    : wordTable(
        "rules of validation",
        ["rule", "severity", "rows that broke it", "what it asks", "description"],
        rules.map((rule) => [
          ...[rule.name, rule.severity, rule.rows === null ? "not known" : count(rule.rows)],
          ...[rule.check, rule.description || "–"],
        ]),
      )
}
${quarantined(quarantine)}
</section>`;
}

function quarantined({ rows, newest }: Findings["quarantine"]): Markup {
  if (rows === 0) return markup`<p>No row is in quarantine.</p>`;
  const hasWindows = newest.some(({ windowStart }) => windowStart !== null);
  return markup`<h4>Quarantine</h4>
<p>${count(rows)} ${rows === 1 ? "row was" : "rows were"} kept from the stores${rows > newest.length && `; these are the newest ${count(newest.length)}`}.</p>
${wordTable(
  "newest rows in quarantine",
  ["entity", ...(hasWindows ? ["window from"] : []), "computed", "why"],
  newest.map((row) => [
    row.entity ?? "–",
    ...(hasWindows ? [row.windowStart === null ? "–" : timeCell(row.windowStart)] : []),
    timeCell(row.createdAt),
    row.reasons.map(({ rule, reason }) => `${rule}: ${reason}`).join("; "),
  ]),
)}`;
}
