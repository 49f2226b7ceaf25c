/** Golden tests as JUnit XML: a suite per file, a test per case. */
import { escaped } from "../verify/junit.ts";
import type { CaseReport } from "./report.ts";

export function goldenJunit(cases: CaseReport[]): string {
  const files = [...new Set(cases.map(({ file }) => file))];
  const suites = files.map((file) =>
    suite(
      file,
      cases.filter((one) => one.file === file),
    ),
  );
  return `<?xml version="1.0" encoding="UTF-8"?>\n<testsuites name="cdc-features test">\n${suites.join("")}</testsuites>\n`;
}

function suite(file: string, cases: CaseReport[]): string {
  const failures = cases.filter(({ ok }) => !ok).length;
  const attributes = `name="${escaped(file)}" tests="${cases.length}" failures="${failures}" errors="0"`;
  return `  <testsuite ${attributes}>\n${cases.map(testCase).join("")}  </testsuite>\n`;
}

function testCase({ file, name, ok, cells, error }: CaseReport): string {
  const open = `    <testcase classname="${escaped(file)}" name="${escaped(name)}"`;
  if (ok) return `${open}/>\n`;
  const wrong = cells.filter((cell) => !cell.ok);
  const lines = wrong.map(
    ({ entity, feature, expected, job, verifier }) =>
      `entity ${entity}${feature === null ? "" : `, ${feature}`}: expected ${expected}, job ${job}, verifier ${verifier}`,
  );
  const message = error ?? `${wrong.length} of ${cells.length} cells differ`;
  const failure = `<failure message="${escaped(message)}">${escaped(lines.join("\n"))}</failure>`;
  return `${open}>\n      ${failure}\n    </testcase>\n`;
}
