/** The page of a benchmark, from its JSON alone. Nothing in it comes from elsewhere: no script, no font, no picture. */
import type { BenchDocument } from "../document.ts";
import { Markup, markup } from "./markup.ts";
import { bytes, count } from "./numbers.ts";
import { bulkSection } from "./sections/bulk.ts";
import { freshnessSection } from "./sections/freshness.ts";
import { growthSection } from "./sections/growth.ts";
import { hotSection, idleSection } from "./sections/hot-and-idle.ts";
import { readsSection, writesSection } from "./sections/stores.ts";
import { tiles } from "./sections/tiles.ts";
import { STYLE } from "./style.ts";

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
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8" />
<meta name="viewport" content="width=device-width, initial-scale=1" />
<title>cdc-features bench ${started.slice(0, 10)}</title>
<style>${STYLE}</style>
</head>
<body>
${body.text}
</body>
</html>
`;
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

function facts(all: Record<string, string>): Markup {
  return new Markup(
    `<table class="facts"><tbody>${Object.entries(all)
      .map(
        ([name, value]) =>
          markup`<tr><th scope="row">${name}</th><td>${value}</td></tr>
`.text,
      )
      .join("")}</tbody></table>`,
  );
}

/** `secondsPerRate` is "seconds per rate". */
function words(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
}
