/** How a run looks: a line while it goes on, a summary, a table of features. */
import type { ValidationRule } from "../../definition/feature-set.ts";
import type { Written } from "../../online/feature-writer.ts";
import type { JobFinished, JobProgress, JobTable } from "../../submit/job-events.ts";
import { formatTable } from "./table.ts";

const number = new Intl.NumberFormat("en-US", { maximumFractionDigits: 0 });

export function progressLine(progress: JobProgress): string {
  const parts = [
    `${number.format(progress.read_total)} events`,
    `${number.format(progress.rows_per_second)}/s`,
    `batch ${progress.batch}`,
    `${number.format(progress.entities_written_total)} entities written`,
  ];
  if (progress.watermark) parts.push(`watermark ${progress.watermark}`);
  if (progress.seconds_behind != null) parts.push(`${number.format(progress.seconds_behind)} s behind`);
  return parts.join(" · ");
}

/** With the sum that must add up: what became of every event read. */
export function summaryLines(featureSet: string, finished: JobFinished): string {
  const classes: [string, number][] = [
    ["applied", finished.applied],
    ["duplicate", finished.duplicates],
    ["late", finished.late],
    ["dead-letter", finished.dead_letters],
    ["ignored", finished.ignored],
  ];
  const sum = classes.map(([name, count]) => `${number.format(count)} ${name}`).join(" + ");
  const batches = finished.batches === 1 ? "1 batch" : `${finished.batches} batches`;
  return [
    `${featureSet}: ${number.format(finished.entities_written)} entities written in ${batches}, ${finished.seconds.toFixed(1)} s`,
    `${number.format(finished.read)} events read = ${sum}`,
    ...(finished.state_rows > 0
      ? [
          `state: ${number.format(finished.state_rows)} groups of rows, ${number.format(finished.state_bytes / 1e6)} MB`,
        ]
      : []),
  ].join("\n");
}

/** Of each rule of a set how many rows broke it. */
export function brokenRules(rules: ValidationRule[], { violations }: Pick<JobFinished, "violations">) {
  return rules.map(({ name, severity }) => ({ rule: name, severity, rows: violations[name] ?? 0 }));
}

export function validationLines(
  rules: ValidationRule[],
  { quarantined, violations }: Pick<JobFinished, "quarantined" | "violations">,
): string {
  const broken = brokenRules(rules, { violations }).filter(({ rows }) => rows > 0);
  if (broken.length === 0)
    return `validation: no row broke ${rules.length === 1 ? "the rule" : `one of ${rules.length} rules`}`;
  const told = broken.map(({ rule, severity, rows }) => `${number.format(rows)} ${rule} (${severity})`);
  const held = quarantined === 1 ? "1 row" : `${number.format(quarantined)} rows`;
  return `validation: ${told.join(", ")}; ${held} in quarantine`;
}

/** What the online store of a run in real-time mode is at. `trouble` is what it waits for. */
export function realtimeLine(written: Written, trouble: string | undefined): string {
  const parts = ["real-time", `${number.format(written.written)} features written`];
  if (written.p50Ms !== null) parts.push(ages(written));
  if (written.lagMessages > 0) parts.push(`${number.format(written.lagMessages)} waiting`);
  if (trouble !== undefined) parts.push(trouble);
  return parts.join(" · ");
}

/** Of a whole run. */
export function realtimeSummary(written: Written): string {
  const age = written.p50Ms === null ? "" : `, ${ages(written)} after their change was in Kafka`;
  return `in real time: ${number.format(written.written)} features written${age}`;
}

function ages({ p50Ms, p99Ms }: Written): string {
  return `p50 ${number.format(p50Ms ?? 0)} ms, p99 ${number.format(p99Ms ?? 0)} ms`;
}

export function featureTable(table: JobTable): string {
  const headings = Object.keys(table.rows[0] ?? {});
  return formatTable(
    headings,
    table.rows.map((row) => headings.map((heading) => String(row[heading] ?? ""))),
  );
}
