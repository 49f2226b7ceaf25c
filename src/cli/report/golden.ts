/** Golden tests on the screen: a line per case, and the cells that are not as expected. */
import type { ChalkInstance } from "chalk";
import type { Cell } from "../../golden/compare.ts";
import type { CaseReport, GoldenReport } from "../../golden/report.ts";
import { formatTable } from "./table.ts";

export function goldenLines({ cases }: GoldenReport, paint: ChalkInstance): string {
  const failed = cases.filter(({ ok }) => !ok).length;
  const summary = `${cases.length - failed} passed, ${failed} failed`;
  return [
    ...cases.map((one) => caseLines(one, paint)),
    failed === 0 ? paint.green(summary) : paint.red(summary),
  ].join("\n");
}

function caseLines({ file, name, ok, cells, error }: CaseReport, paint: ChalkInstance): string {
  const title = `${ok ? paint.green("✓") : paint.red("✗")} ${file}: ${name}`;
  if (ok) return title;
  if (error !== undefined) return `${title}\n  the job failed: ${error}`;
  const wrong = cells.filter((cell) => !cell.ok);
  const lines = formatTable(
    ["entity", "feature", "expected", "job", "verifier"],
    wrong.map((cell) => rowOf(cell, paint)),
  );
  return [`${title}: ${wrong.length} of ${cells.length} cells differ`, ...lines.split("\n")].join("\n  ");
}

function rowOf({ entity, feature, expected, job, verifier }: Cell, paint: ChalkInstance): string[] {
  const shown = (text: string | null) => (text === expected ? (text ?? "-") : paint.red(text ?? "-"));
  return [entity, feature ?? "", expected ?? "-", shown(job), shown(verifier)];
}
