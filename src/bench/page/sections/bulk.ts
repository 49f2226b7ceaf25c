import { barChart } from "../../../page/charts.ts";
import { type Markup, markup } from "../../../page/markup.ts";
import { bytes, count, ratio, seconds } from "../../../page/numbers.ts";
import { table } from "../../../page/table.ts";
import type { BenchDocument, BulkResult } from "../../document.ts";

type Way = BulkResult["ways"][number];

export function perSecond({ records, querySeconds }: Pick<Way, "records" | "querySeconds">): number {
  return querySeconds > 0 ? records / querySeconds : 0;
}

export function bulkSection({ settings }: BenchDocument, { capture, ways }: BulkResult): Markup {
  const bars = ways.map((way) => ({
    label: way.title,
    value: perSecond(way),
    shown: `${count(perSecond(way))}/s${against(ways, way, "plain")}`,
    colour: `c-${way.way}`,
  }));
  const cpu = ways.flatMap(({ title, way, usage }) =>
    usage === null
      ? []
      : [{ label: title, value: usage.cpuSeconds, shown: seconds(usage.cpuSeconds), colour: `c-${way}` }],
  );
  return markup`<section>
<h2>Bulk throughput</h2>
<p class="note">${count(capture.rows)} orders of up to ${count(settings.entities)} customers, inserted in Postgres (${seconds(capture.insertSeconds)}) and brought to
Kafka by Debezium (all there after ${seconds(capture.seconds)}, ${count(capture.rows / capture.seconds)}/s); each way works the same topic off in a Spark process of its own,
with the same master and memory. The time is that of Spark's batches.</p>
<div class="charts"><figure><figcaption>Events per second</figcaption>${barChart("events per second by way", bars)}</figure>${
    cpu.length > 0 &&
    markup`<figure><figcaption>CPU time of all processes of the job</figcaption>${barChart("CPU time by way", cpu)}</figure>`
  }</div>
${table(
  [
    "way",
    "events",
    "batches",
    "query",
    "job",
    "process",
    "events/s",
    "to plain",
    "to parse",
    "to plain (process)",
    "CPU",
    "JVM peak",
    "Python workers peak",
    "state",
  ],
  ways.map((way) => [
    way.title,
    count(way.records),
    count(way.batches),
    seconds(way.querySeconds),
    seconds(way.jobSeconds),
    seconds(way.processSeconds),
    count(perSecond(way)),
    ratioTo(ways, way, "plain", "querySeconds"),
    ratioTo(ways, way, "parse", "querySeconds"),
    ratioTo(ways, way, "plain", "processSeconds"),
    way.usage === null ? "–" : seconds(way.usage.cpuSeconds),
    way.usage === null ? "–" : bytes(way.usage.jvmPeakBytes),
    way.usage === null ? "–" : bytes(way.usage.pythonWorkersPeakBytes),
    way.state === null ? "–" : `${count(way.state.rows)} groups, ${bytes(way.state.bytes)}`,
  ]),
)}
<p class="note">Query: the batches with records, by Spark's progress. Job: from the session to the end of all work, planning and refresh included. Process: from the
call of spark-submit to its end. A ratio is events per second of this way by those of the other, in this run: above 1 this way is faster. CPU is of all processes of the job, and
peaks are of resident memory.</p>
</section>`;
}

function against(ways: Way[], way: Way, other: string): string {
  const shown = ratioTo(ways, way, other, "querySeconds");
  return shown === "–" || way.way === other ? "" : `, ${shown} ${other}`;
}

/** As one works the same events off in less time. */
function ratioTo(ways: Way[], way: Way, name: string, by: "querySeconds" | "processSeconds"): string {
  const other = ways.find((one) => one.way === name);
  if (other === undefined || way[by] === 0 || other.records === 0) return "–";
  const speed = (one: Way) => one.records / one[by];
  return ratio(speed(way) / speed(other));
}
