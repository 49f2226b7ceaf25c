import { barChart, rangeChart } from "../../../page/charts.ts";
import { type Markup, markup } from "../../../page/markup.ts";
import { bytes, count, milliseconds, seconds } from "../../../page/numbers.ts";
import { table } from "../../../page/table.ts";
import type { ReadResult, WriteResult } from "../../document.ts";
import { median } from "../../statistics.ts";

export function readsSection({ inProcess, commandSeconds }: ReadResult): Markup {
  const words = ({ what, entities }: ReadResult["inProcess"][number]) =>
    entities === 0 ? what : `${what}: ${count(entities)} ${entities === 1 ? "entity" : "entities"}`;
  return markup`<section>
<h2>Reading features</h2>
<p class="note">By ioredis in a process that goes on, ${count(inProcess[0]?.ms.count ?? 0)} times each. PING and HGETALL are the floor: what a round trip takes.</p>
<div class="charts"><figure><figcaption>Milliseconds: median, 95 and 99 of 100</figcaption>${rangeChart(
    "read latency",
    milliseconds,
    inProcess.map((read) => ({
      label: words(read),
      low: read.ms.p50,
      middle: read.ms.p95,
      high: read.ms.p99,
      shown: milliseconds(read.ms.p50),
    })),
  )}</figure></div>
${table(
  ["read", "p50", "p95", "p99", "max"],
  inProcess.map((read) => [
    words(read),
    ...[read.ms.p50, read.ms.p95, read.ms.p99, read.ms.max].map(milliseconds),
  ]),
)}
<p class="note">The command <code>get customer 1</code> from its start to its end: ${seconds(median(commandSeconds) ?? 0)} (median of ${commandSeconds.length}).</p>
</section>`;
}

export function writesSection(writes: WriteResult[]): Markup {
  const rate = ({ rows, seconds }: WriteResult) => rows / seconds;
  const words = ({ store, what, writers }: WriteResult) =>
    `${store === "redis" ? "Redis" : "Parquet"}, ${what}, ${writers} ${writers === 1 ? "writer" : "writers"}`;
  const stores = ["redis", "parquet"].filter((store) => writes.some((one) => one.store === store));
  return markup`<section>
<h2>Writing features</h2>
<p class="note">The job's own writers, each alone, with finished rows of the customer set: compare-and-write to Redis, part files and their merge to Parquet. A writer is a process, as a batch
has one per task.</p>
<div class="charts">${stores.map((store) => {
    const some = writes.filter((one) => one.store === store);
    const bars = some.map((one) => ({
      label: words(one),
      value: rate(one),
      shown: `${count(rate(one))} rows/s`,
      colour: store === "redis" ? "c-exact" : "c-append",
    }));
    return markup`<figure><figcaption>${store === "redis" ? "Redis" : "Parquet"}: rows per second</figcaption>${barChart(`rows per second to ${store}`, bars)}</figure>`;
  })}</div>
${table(
  ["write", "rows", "seconds", "rows/s", "size", "per second"],
  writes.map((one) => [
    words(one),
    count(one.rows),
    seconds(one.seconds),
    count(rate(one)),
    bytes(one.bytes),
    `${bytes(one.bytes / one.seconds)}/s`,
  ]),
)}
<p class="note">Size: keys and arguments of the calls to Redis; the file of Parquet, which is compressed.</p>
</section>`;
}
