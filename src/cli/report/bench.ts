/** A benchmark in a terminal: the numbers of each part, in a table. */
import type { BenchDocument, WayFreshness } from "../../bench/document.ts";
import { perSecond } from "../../bench/page/sections/bulk.ts";
import { median } from "../../bench/statistics.ts";
import { bytes, count, milliseconds, ratio, seconds, significant } from "../../page/numbers.ts";
import { formatTable } from "./table.ts";

export function benchLines({ parts, complete }: BenchDocument): string {
  const tables: string[] = complete ? [] : ["This benchmark did not reach its end."];
  const add = (headings: string[], rows: string[][]) => void tables.push(formatTable(headings, rows));
  if (parts.bulk !== undefined) {
    const { ways } = parts.bulk;
    const to = (name: string) => {
      const other = ways.find(({ way }) => way === name);
      return (own: number) =>
        other === undefined || perSecond(other) === 0 ? "-" : ratio(own / perSecond(other));
    };
    add(
      ["bulk", "events", "query", "process", "events/s", "to plain", "to parse"],
      ways.map((way) => [
        ...[way.title, count(way.records), seconds(way.querySeconds), seconds(way.processSeconds)],
        ...[count(perSecond(way)), to("plain")(perSecond(way)), to("parse")(perSecond(way))],
      ]),
    );
  }
  if (parts.reads !== undefined)
    add(
      ["reads", "entities", "p50", "p95", "p99"],
      [
        ...parts.reads.inProcess.map(({ what, entities, ms }) => [
          ...[what, entities === 0 ? "" : count(entities)],
          ...[ms.p50, ms.p95, ms.p99].map(milliseconds),
        ]),
        ["the command get", "1", seconds(median(parts.reads.commandSeconds) ?? 0)],
      ],
    );
  if (parts.idle !== undefined)
    add(
      ["run with nothing to do", "median"],
      [
        ["command", seconds(median(parts.idle.commandSeconds) ?? 0)],
        ["job", seconds(median(parts.idle.jobSeconds) ?? 0)],
      ],
    );
  if (parts.writes !== undefined)
    add(
      ["writes", "", "writers", "rows/s", "per second"],
      parts.writes.map((one) => [
        ...[one.store, one.what, count(one.writers)],
        ...[count(one.rows / one.seconds), `${bytes(one.bytes / one.seconds)}/s`],
      ]),
    );
  if (parts.freshness !== undefined) add(FRESHNESS, parts.freshness.flatMap(freshnessRows));
  if (parts.hot !== undefined)
    add([`hot, ${count(parts.hot.rows)} rows`, ...FRESHNESS.slice(1)], freshnessRows(parts.hot.freshness));
  if (parts.growth !== undefined)
    add(
      ["growth: events", "entities", "query", "events/s", "CPU", "state", "JVM", "Python workers"],
      parts.growth.runs.map((run) => [
        ...[count(run.events), count(run.entities), seconds(run.querySeconds), count(perSecond(run))],
        run.usage === null ? "-" : seconds(run.usage.cpuSeconds),
        bytes(run.state?.bytes ?? 0),
        ...(run.usage === null
          ? ["-", "-"]
          : [bytes(run.usage.jvmPeakBytes), bytes(run.usage.pythonWorkersPeakBytes)]),
      ]),
    );
  return tables.join("\n\n");
}

const FRESHNESS = ["freshness", "changes/s", "achieved", "p50", "p95", "p99", "max", "holds"];

function freshnessRows({ title, rates }: WayFreshness): string[][] {
  return rates.map(({ rate, achieved, latencyMs, holds }) => [
    ...[title, count(rate), significant(achieved)],
    ...(latencyMs === null
      ? ["-", "-", "-", "-"]
      : [latencyMs.p50, latencyMs.p95, latencyMs.p99, latencyMs.max].map(milliseconds)),
    holds ? "yes" : "no",
  ]);
}
