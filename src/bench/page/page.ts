/** The page of a benchmark, from its JSON alone. Nothing in it comes from elsewhere: no script, no font, no picture. */

import { facts } from "../../page/facts.ts";
import { htmlPage } from "../../page/frame.ts";
import { type Markup, markup } from "../../page/markup.ts";
import { bytes, count } from "../../page/numbers.ts";
import { STYLE } from "../../page/style.ts";
import type { BenchDocument } from "../document.ts";
import { bulkSection } from "./sections/bulk.ts";
import { freshnessSection } from "./sections/freshness.ts";
import { growthSection } from "./sections/growth.ts";
import { hotSection, idleSection } from "./sections/hot-and-idle.ts";
import { readsSection, writesSection } from "./sections/stores.ts";
import { tiles } from "./sections/tiles.ts";

export function pageOf(document: BenchDocument): string {
  const { parts, started, seconds, complete } = document;
  const body = markup`<main>
<header>
<h1>cdc-features bench</h1>
<p class="soft">${started.replace(/\.\d+Z$/, "Z")}, ${count(seconds / 60)} minutes, seed ${document.seed}, ${document.machine.cores} cores</p>
${!complete && markup`<p class="warning">This benchmark did not reach its end: only the parts below were measured.</p>`}
${isBusy(document) && markup`<p class="warning">The machine was not quiet: its load was ${document.machine.loadBefore ?? ""} before anything was started. Times are too long, and ratios less sure.</p>`}
</header>
${tiles(document)}
${parts.bulk && bulkSection(document, parts.bulk)}
${parts.freshness && freshnessSection(parts.freshness)}
${parts.hot && hotSection(parts.hot)}
${parts.reads && readsSection(parts.reads)}
${parts.writes && writesSection(parts.writes)}
${parts.growth && growthSection(document, parts.growth)}
${parts.idle && idleSection(parts.idle)}
${about(document)}
</main>`;
  return htmlPage({ title: `cdc-features bench ${started.slice(0, 10)}`, style: STYLE, body });
}

/** Somebody else needed more than a quarter of a core. */
function isBusy({ machine }: BenchDocument): boolean {
  return machine.loadBefore !== null && machine.loadBefore > 0.25;
}

function about({ machine, versions, settings, seed }: BenchDocument): Markup {
  const { sparkConf, ...others } = settings;
  return markup`<section>
<h2>Machine, versions, settings</h2>
${facts({
  processor: machine.cpu,
  cores: String(machine.cores),
  memory: bytes(machine.memoryBytes),
  system: `${machine.os}, ${machine.kernel}`,
  "load before": machine.loadBefore === null ? "not known" : String(machine.loadBefore),
  ...versions,
  seed: String(seed),
  ...Object.fromEntries(
    Object.entries(others).map(([name, value]) => [
      words(name),
      typeof value === "number" ? count(value) : Array.isArray(value) ? value.join(", ") : value,
    ]),
  ),
  ...sparkConf,
})}
</section>`;
}

/** `secondsPerRate` is "seconds per rate". */
function words(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
}
