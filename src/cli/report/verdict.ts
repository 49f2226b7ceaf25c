/** What a report comes to, on the screen: what failed, and the verdict in the last line. */
import type { ChalkInstance } from "chalk";
import type { ReportDocument } from "../../report/document.ts";

export function verdictLines({ ok, featureSets }: ReportDocument, paint: ChalkInstance): string {
  const all = featureSets.flatMap(({ name, checks }) => checks.map((check) => ({ set: name, ...check })));
  const failed = all.filter(({ result }) => result === "fail");
  const skipped = all.filter(({ result }) => result === "skipped").length;
  const left = skipped === 0 ? "" : `, ${skipped} skipped`;
  return [
    ...failed.map(({ set, name, reason }) => `${paint.red("✗")} ${set}: ${name}: ${reason}`),
    ok
      ? `${paint.green("✓")} PASS: 0 of ${all.length} checks failed${left}`
      : `${paint.red("✗")} FAIL: ${failed.length} of ${all.length} checks failed${left}`,
  ].join("\n");
}
