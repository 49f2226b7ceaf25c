import { lineChart, type Series } from "../../../page/charts.ts";
import { type Markup, markup } from "../../../page/markup.ts";
import { bytes, count, seconds, short } from "../../../page/numbers.ts";
import { table } from "../../../page/table.ts";
import type { BenchDocument, GrowthResult } from "../../document.ts";
import { perSecond } from "./bulk.ts";

type Run = GrowthResult["runs"][number];

export function growthSection({ settings }: BenchDocument, { runs }: GrowthResult): Markup {
  const { events, entities } = settings;
  const lines = [
    {
      runs: runs.filter((run) => run.entities === entities).sort((a, b) => a.events - b.events),
      along: (run: Run) => run.events,
      axis: "events",
      words: `with the number of events, ${short(entities)} entities`,
    },
    {
      runs: runs.filter((run) => run.events === events).sort((a, b) => a.entities - b.entities),
      along: (run: Run) => run.entities,
      axis: "entities",
      words: `with the number of entities, ${short(events)} events`,
    },
  ].filter((line) => line.runs.length > 1);
  return markup`<section>
<h2>How it grows</h2>
<p class="note">The exact job, each size in a topic and a Spark process of its own. The events of this part were produced straight into Kafka, in Debezium's form.</p>
${lines.map(
  (line) => markup`<h3>${line.words}</h3>
<div class="charts">
${chart("Seconds", line, seconds, [
  { name: "query", colour: "c-exact", of: (run) => run.querySeconds },
  { name: "process", colour: "c-decode", dashed: true, of: (run) => run.processSeconds },
  { name: "CPU", colour: "c-plain", of: (run) => run.usage?.cpuSeconds },
])}
${chart("State", line, bytes, [{ name: "RocksDB, files and memory", colour: "c-exact", of: (run) => run.state?.bytes }])}
${chart("Resident memory, most", line, bytes, [
  { name: "JVM", colour: "c-exact", of: (run) => run.usage?.jvmPeakBytes },
  { name: "Python workers", colour: "c-append", of: (run) => run.usage?.pythonWorkersPeakBytes },
])}
</div>`,
)}
${table(
  [
    "events",
    "entities",
    "query",
    "events/s",
    "job",
    "process",
    "CPU",
    "state groups",
    "state",
    "JVM peak",
    "Python workers peak",
  ],
  runs.map((run) => [
    count(run.events),
    count(run.entities),
    seconds(run.querySeconds),
    count(perSecond(run)),
    seconds(run.jobSeconds),
    seconds(run.processSeconds),
    run.usage === null ? "–" : seconds(run.usage.cpuSeconds),
    count(run.state?.rows ?? 0),
    bytes(run.state?.bytes ?? 0),
    run.usage === null ? "–" : bytes(run.usage.jvmPeakBytes),
    run.usage === null ? "–" : bytes(run.usage.pythonWorkersPeakBytes),
  ]),
)}
</section>`;
}

interface Measured {
  name: string;
  colour: string;
  dashed?: boolean;
  of(run: Run): number | undefined;
}

function chart(
  title: string,
  { runs, along, axis }: { runs: Run[]; along(run: Run): number; axis: string },
  shown: (value: number) => string,
  measured: Measured[],
): Markup {
  const series = measured.flatMap(({ name, colour, dashed, of }): Series[] => {
    const points = runs.flatMap((run) => {
      const y = of(run);
      return y === undefined || y <= 0
        ? []
        : [{ x: along(run), y, shown: `${shown(y)} at ${count(along(run))} ${axis}` }];
    });
    return points.length === 0 ? [] : [{ name, colour, points, ...(dashed && { dashed }) }];
  });
  if (series.length === 0) return markup``;
  return markup`<figure><figcaption>${title}</figcaption>${lineChart({
    title: `${title} by ${axis}`,
    xTitle: axis,
    yTitle: "",
    xTick: short,
    yTick: shown,
    series,
  })}</figure>`;
}
