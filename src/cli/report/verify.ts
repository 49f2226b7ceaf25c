/** A verification on the screen: a line per set, and the first differences. */
import type { ChalkInstance } from "chalk";
import type { Difference } from "../../verify/difference.ts";
import type { VerifyReport } from "../../verify/verify.ts";
import { formatTable } from "./table.ts";

const SHOWN = 20;
const number = new Intl.NumberFormat("en-US");

export function reportLines(
  report: VerifyReport,
  paint: ChalkInstance,
  { valuesOnly = false }: { valuesOnly?: boolean } = {},
): string {
  return report.featureSets
    .map(({ name, expected, online, offline, checkedValues, differences }) => {
      const entities = `${number.format(expected)} entities expected, ${number.format(online)} online${valuesOnly ? "" : `, ${number.format(offline)} offline`}`;
      const counted = `${number.format(checkedValues)} values checked`;
      if (differences.length === 0)
        return `${paint.green("✓")} ${name}: ${entities}; ${counted}, no difference`;
      const more =
        differences.length > SHOWN
          ? `\n… and ${number.format(differences.length - SHOWN)} more (all with --json)`
          : "";
      return [
        `${paint.red("✗")} ${name}: ${entities}; ${counted}, ${number.format(differences.length)} differences (${kinds(differences)})`,
        table(differences.slice(0, SHOWN)) + more,
      ].join("\n");
    })
    .join("\n");
}

function kinds(differences: Difference[]): string {
  const counts = new Map<string, number>();
  for (const { kind } of differences) counts.set(kind, (counts.get(kind) ?? 0) + 1);
  return [...counts].map(([kind, count]) => `${number.format(count)} ${kind}`).join(", ");
}

function table(differences: Difference[]): string {
  return formatTable(
    ["entity", "store", "feature", "kind", "expected", "actual", "because"],
    differences.map(({ entity, store, feature, kind, expected, actual, because }) => [
      entity ?? "",
      store,
      feature ?? "",
      kind,
      short(expected),
      short(actual),
      because,
    ]),
  );
}

function short(text: string | null): string {
  if (text === null) return "-";
  return text.length > 40 ? `${text.slice(0, 39)}…` : text;
}
