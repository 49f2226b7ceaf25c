/** How running sets look in a terminal: a table, what their definitions promise, and small charts. */
import type { ChalkInstance } from "chalk";
import { quantile } from "../../monitor/ages.ts";
import { type Watched, written } from "../../monitor/families.ts";
import { freshness, type Objective, objectives, staleness } from "../../monitor/objectives.ts";
import { sparkline } from "./sparkline.ts";
import { formatTable } from "./table.ts";

const number = new Intl.NumberFormat("en-US", { maximumFractionDigits: 0 });

export function watchedTable(all: Watched[]): string {
  const rows = all.map(({ measures, observed }) => {
    const { last, totals } = measures;
    const { p50, p99 } = freshness(measures, observed.now);
    const lag = observed.lagEvents === null ? "?" : number.format(observed.lagEvents);
    return [
      measures.featureSet,
      number.format(Object.values(totals.events).reduce((sum, one) => sum + one, 0)),
      last === null ? "-" : number.format(last.rowsPerSecond),
      lag,
      `${time(p50)} / ${time(p99)}`,
      time(staleness(measures, observed.now)),
      last === null ? "-" : `${time(last.seconds)}`,
      last === null ? "-" : `${number.format(last.stateRows)}, ${number.format(last.stateBytes / 1e6)} MB`,
      number.format(totals.quarantined),
      number.format(totals.events.dead_letter ?? 0),
    ];
  });
  const columns = ["set", "events", "events/s", "waiting", "fresh p50 / p99", "last batch", "took", "state"];
  return formatTable([...columns, "quarantine", "dead letters"], rows);
}

/** A line for each objective that a definition names; empty where none does. */
export function objectiveLines(all: Watched[], paint: ChalkInstance): string[] {
  return all.flatMap(({ measures, observed }) =>
    objectives(measures, observed).map((objective) => {
      const { name, target, actual, unit, met } = objective;
      const shown = (value: number) => (unit === "share" ? `${(value * 100).toFixed(2)} %` : time(value));
      const is = actual === null ? "not known" : shown(actual);
      const mark = met ? paint.green("✓") : paint.red("✗");
      return `${mark} ${measures.featureSet} ${written(name)}: ${is}, at most ${shown(target)}`;
    }),
  );
}

export function missed(all: Watched[]): Objective[] {
  return all.flatMap(({ measures, observed }) => objectives(measures, observed).filter(({ met }) => !met));
}

/** Of each set what its latest batches told, as charts of one line. */
export function charts(all: Watched[], columns: number): string {
  const width = Math.max(Math.min(columns - 44, 80), 10);
  return all
    .flatMap(({ measures }) => {
      const { recent, featureSet } = measures;
      const batches = recent.filter(({ seconds }) => seconds > 0);
      const ages = recent.flatMap(({ ages }) => (ages === null ? [] : (quantile([ages], 0.99) ?? [])));
      const line = (what: string, values: number[], shown: (value: number) => string) => {
        const newest = values.at(-1);
        const told =
          newest === undefined ? "" : `${shown(newest)}, most ${shown(Math.max(...values.slice(-width)))}`;
        return `  ${what.padEnd(14)} ${sparkline(values, width).padEnd(width)} ${told}`.trimEnd();
      };
      return [
        featureSet,
        line(
          "events/s",
          batches.map(({ rowsPerSecond }) => rowsPerSecond),
          (value) => number.format(value),
        ),
        line(
          "batch took",
          batches.map(({ seconds }) => seconds),
          time,
        ),
        line("fresh p99", ages, time),
      ];
    })
    .join("\n");
}

/** Seconds, with as many digits as say something. */
export function time(seconds: number | null): string {
  if (seconds === null) return "?";
  if (seconds < 1) return `${Math.round(seconds * 1000)} ms`;
  if (seconds < 120) return `${seconds.toFixed(1)} s`;
  if (seconds < 7200) return `${Math.round(seconds / 60)} min`;
  return seconds < 172_800 ? `${Math.round(seconds / 3600)} h` : `${Math.round(seconds / 86_400)} days`;
}
