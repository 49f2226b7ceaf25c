import type { RateResult, WayFreshness } from "../../document.ts";
import { lineChart, type Series } from "../charts.ts";
import { type Markup, markup } from "../markup.ts";
import { count, milliseconds, short, significant } from "../numbers.ts";
import { table } from "../table.ts";

const LIMIT_MS = 5_000;

export function freshnessSection(ways: WayFreshness[]): Markup {
  const series = ways.flatMap((way) => [
    line(way, "p99", "99 of 100", false),
    line(way, "p50", "median", true),
  ]);
  return markup`<section>
<h2>Freshness: from commit to readable</h2>
<p class="note">Orders are inserted, and one change in five is an update of one that is there, at a steady rate over all customers in turn. A change counts from the moment at which
COMMIT has returned to the one at which a reader of Redis sees it.</p>
<div class="charts"><figure><figcaption>Latency by rate</figcaption>${lineChart({
    title: "latency by rate of changes",
    xTitle: "changes per second",
    yTitle: "from commit to readable",
    xTick: short,
    yTick: milliseconds,
    series,
    limit: { y: LIMIT_MS, label: "a rate holds below 5 s" },
  })}</figure></div>
${freshnessTable(ways)}
${ways.map(aboutWay)}
</section>`;
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

function line(way: WayFreshness, which: "p50" | "p99", words: string, dashed: boolean): Series {
  return {
    name: `${way.title}, ${words}`,
    colour: `c-${way.way}`,
    dashed,
    points: way.rates.flatMap(({ rate, latencyMs }) =>
      latencyMs === null
        ? []
        : [
            {
              x: rate,
              y: latencyMs[which],
              shown: `${milliseconds(latencyMs[which])} at ${count(rate)} changes per second`,
            },
          ],
    ),
  };
}
