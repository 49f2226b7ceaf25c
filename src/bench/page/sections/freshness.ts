import { lineChart, type Series } from "../../../page/charts.ts";
import { type Markup, markup } from "../../../page/markup.ts";
import { count, milliseconds, short, significant } from "../../../page/numbers.ts";
import { table } from "../../../page/table.ts";
import type { RateResult, WayFreshness } from "../../document.ts";

const LIMIT_MS = 5_000;

export function freshnessSection(ways: WayFreshness[]): Markup {
  return markup`<section>
<h2>Freshness: from commit to readable</h2>
<p class="note">Orders are inserted, and one change in five is an update of one that is there, at a steady rate over all customers in turn. A change counts from the moment at which
COMMIT has returned to the one at which a reader of Redis sees it.</p>
<div class="charts">${chart("99 of 100 changes", "p99", ways)}${chart("Median", "p50", ways)}</div>
${freshnessTable(ways)}
${ways.map(aboutWay)}
</section>`;
}

function chart(title: string, which: "p50" | "p99", ways: WayFreshness[]): Markup {
  return markup`<figure><figcaption>${title}</figcaption>${lineChart({
    title: `latency by rate of changes: ${title}`,
    xTitle: "changes per second",
    yTitle: "from commit to readable",
    xTick: short,
    yTick: milliseconds,
    series: ways.map((way) => line(way, which)),
    limit: { y: LIMIT_MS, label: "a rate holds below 5 s for 99 of 100" },
  })}</figure>`;
}

export function freshnessTable(ways: WayFreshness[]): Markup {
  return table(
    [
      "way",
      "changes/s",
      "achieved",
      "watched",
      "p50",
      "p95",
      "p99",
      "max",
      "backlog at end",
      "never seen",
      "holds",
    ],
    ways.flatMap((way) => way.rates.map((rate) => [way.title, ...cells(rate)])),
  );
}

function cells(rate: RateResult): string[] {
  const { latencyMs } = rate;
  const shown = (value: number | undefined) => (value === undefined ? "–" : milliseconds(value));
  return [
    ...[count(rate.rate), significant(rate.achieved), count(latencyMs?.count ?? 0)],
    ...[shown(latencyMs?.p50), shown(latencyMs?.p95), shown(latencyMs?.p99), shown(latencyMs?.max)],
    ...[count(rate.backlogAtEnd), count(rate.unreadable), rate.holds ? "yes" : "no"],
  ];
}

export function aboutWay(way: WayFreshness): Markup {
  const seconds = way.rates[0]?.seconds ?? 0;
  const verdict =
    way.differ === 0
      ? `afterwards all of ${count(way.compared)} compared customers had as many orders in Redis as in Postgres`
      : `afterwards ${count(way.differ)} of ${count(way.compared)} compared customers had another number of orders in Redis than in Postgres`;
  return markup`<p class="note"><strong>${way.title}</strong>: trigger ${way.trigger}, ${way.warmUpSeconds} s of warm-up after its start and ${way.rateWarmUpSeconds} s at each rate are not
counted, each rate ${seconds} s; ${verdict}.</p>`;
}

function line(way: WayFreshness, which: "p50" | "p99"): Series {
  return {
    name: way.title,
    colour: `c-${way.way}`,
    points: way.rates.flatMap(({ rate, latencyMs }) => {
      if (latencyMs === null) return [];
      const y = latencyMs[which];
      return [{ x: rate, y, shown: `${milliseconds(y)} at ${count(rate)} changes per second` }];
    }),
  };
}
