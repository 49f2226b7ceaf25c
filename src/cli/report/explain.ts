/** An explanation on the screen. */
import type { ChalkInstance } from "chalk";
import type { ExplainedEvent, Explanation } from "../../verify/explanation.ts";
import { formatTable } from "./table.ts";

interface Section {
  title: string;
  headings: string[];
  rows: string[][];
}

/** At most `limit` rows and events of each kind. */
export function explanationText(explanation: Explanation, limit: number, paint: ChalkInstance): string {
  const { entity, rowsElsewhere, events } = explanation;
  const parts = [
    head(explanation, paint),
    ...sections(explanation)
      .filter(({ rows }) => rows.length > 0)
      .map(({ title, headings, rows }) => {
        const shown = rows.slice(0, limit).map((cells) => cells.map(inOneLine));
        const more = rows.length - shown.length;
        const rest = more > 0 ? `\n… and ${more} more (--limit, all with --json)` : "";
        return `${paint.bold(title)}\n${formatTable(headings, shown)}${rest}`;
      }),
  ];
  if (rowsElsewhere > 0)
    parts.push(`${counted(rowsElsewhere, "row counts", "rows count")} in none of these windows.`);
  if (events === 0) parts.push(`The log has no events of ${entity}.`);
  return parts.join("\n\n");
}

const EVENT = ["op", "event", "committed"];

function sections({ key, columns, rows, rowsBefore, left, setAside }: Explanation): Section[] {
  return [
    {
      title: counted(rows.length, "row counts", "rows count"),
      headings: [...key, "event time", ...columns, ...EVENT],
      rows: rows.map((row) => [
        ...row.key,
        row.eventTime,
        ...row.values.map((text) => text ?? "null"),
        ...eventCells(row.event),
      ]),
    },
    {
      title: `${counted(rowsBefore.length, "row", "rows")} in as long before`,
      headings: [...key, "event time", ...EVENT],
      rows: rowsBefore.map((row) => [...row.key, row.eventTime, ...eventCells(row.event)]),
    },
    {
      title: counted(left.length, "row has left", "rows have left"),
      headings: [...key, "why", ...EVENT],
      rows: left.map((one) => [...one.key, one.why, ...eventCells(one.event)]),
    },
    {
      title: counted(setAside.length, "event was set aside", "events were set aside"),
      headings: [...key, "why", ...EVENT],
      rows: setAside.map((one) => [...one.key, one.why, ...eventCells(one.event)]),
    },
  ];
}

function head(explanation: Explanation, paint: ChalkInstance): string {
  const { featureSet, entity, feature, meaning, value, asOf, windows, operands } = explanation;
  const lines = [
    `${paint.bold(`${featureSet} ${entity}: ${feature} = ${inOneLine(value ?? "null")}`)} as of ${asOf}`,
    `  ${meaning}`,
    ...operands.map(
      (operand) => `  ${operand.name} = ${inOneLine(operand.value ?? "null")}: ${operand.meaning}`,
    ),
    ...windows.map(({ name, start, end, rows }) => {
      const bounds = start === null || end === null ? "all of time" : `from ${start} until ${end}`;
      return `  window ${name}: ${bounds}, ${counted(rows, "row", "rows")}`;
    }),
    `  ${onlineLine(explanation, paint)}`,
  ];
  return lines.join("\n");
}

function onlineLine({ online, value }: Explanation, paint: ChalkInstance): string {
  if (online === null) return "online: no key";
  const stored = `online: ${inOneLine(online.value ?? "null")}, computed at ${inOneLine(online.computedAt ?? "no known time")}`;
  return online.value === value ? stored : paint.yellow(`${stored}, which is another value`);
}

function eventCells({ at, op, committedAt }: ExplainedEvent): string[] {
  return [op, at, committedAt ?? ""];
}

function counted(count: number, one: string, many: string): string {
  return `${count} ${count === 1 ? one : many}`;
}

/** Texts of a table may hold anything. */
function inOneLine(text: string): string {
  return text.replace(/\p{Cc}/gu, "\uFFFD");
}
