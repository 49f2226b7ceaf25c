/** The page of a report, from its document alone. Nothing in it comes from elsewhere: no script, no font, no picture. */
import { facts } from "../../page/facts.ts";
import { htmlPage } from "../../page/frame.ts";
import { type Markup, markup } from "../../page/markup.ts";
import type { ReportDocument, ReportedSet } from "../document.ts";
import { driftSection } from "./sections/drift.ts";
import { freshnessSection } from "./sections/freshness.ts";
import { lineageSection } from "./sections/lineage.ts";
import { runsSection } from "./sections/runs.ts";
import { stateSection } from "./sections/state.ts";
import { summary } from "./sections/summary.ts";
import { throughputSection } from "./sections/throughput.ts";
import { validationSection } from "./sections/validation.ts";
import { verificationSection } from "./sections/verification.ts";
import { REPORT_STYLE } from "./style.ts";
import { time } from "./words.ts";

export function pageOf(document: ReportDocument): string {
  const { featureSets, against } = document;
  const body = markup`<main>
<header>
<h1>cdc-features report</h1>
<p class="soft">${featureSets.map(({ name }) => name).join(", ")}, ${time(document.made)}</p>
<nav aria-label="parts of this page"><ul><li><a href="#summary">Summary</a></li>${featureSets.map(
    ({ name }, i) => markup`<li><a href="#set-${i + 1}">${name}</a></li>`,
  )}<li><a href="#about">How it was made</a></li></ul></nav>
</header>
${summary(document)}
${featureSets.map((set, i) => setSections(set, `set-${i + 1}`, against))}
${about(document)}
</main>`;
  const verdict = document.ok ? "PASS" : "FAIL";
  const title = `cdc-features report ${document.made.slice(0, 10)}: ${verdict}`;
  return htmlPage({ title, style: REPORT_STYLE, body });
}

function setSections(set: ReportedSet, id: string, against: ReportDocument["against"]): Markup {
  return markup`<h2 id="${id}">${set.name}</h2>
<p>${set.description}</p>
${runsSection(set.runs)}
${freshnessSection(set.runs)}
${throughputSection(set.runs)}
${stateSection(set.runs)}
${validationSection(set)}
${driftSection(set.drift)}
${lineageSection(set.name, set.lineage)}
${verificationSection(set, against)}
`;
}

function about({ made, target, about, featureSets }: ReportDocument): Markup {
  const files = featureSets.map(({ name, definition }): [string, string] => [
    `definition of ${name}`,
    `${definition.file}, SHA-256 ${definition.sha256}`,
  ]);
  return markup`<section id="about">
<h2>How it was made</h2>
${facts({ made: time(made), target, ...about, ...Object.fromEntries(files) })}
</section>`;
}
