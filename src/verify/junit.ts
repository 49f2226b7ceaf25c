/** The report as JUnit XML: one test case per feature and store. */
import type { FeatureSet } from "../definition/feature-set.ts";
import type { Difference } from "./difference.ts";
import type { FeatureSetReport } from "./verify.ts";

export const STORES = ["online", "offline"] as const;
type Store = (typeof STORES)[number];
/** Differences that are of no single feature: keys, rows, files. */
const WHOLE = "entities";

/** `stores` are those that were looked at. */
export function junitXml(
  featureSets: FeatureSet[],
  reports: FeatureSetReport[],
  stores: readonly Store[] = STORES,
): string {
  const suites = reports.map((report) =>
    suite(
      report,
      featureSets.find(({ name }) => name === report.name),
      stores,
    ),
  );
  return `<?xml version="1.0" encoding="UTF-8"?>\n<testsuites name="cdc-features verify">\n${suites.join("")}</testsuites>\n`;
}

function suite(
  report: FeatureSetReport,
  featureSet: FeatureSet | undefined,
  stores: readonly Store[],
): string {
  const declared = [WHOLE, ...(featureSet?.features.map(({ name }) => name) ?? [])];
  const cases = stores.flatMap((store) => {
    const ofStore = report.differences.filter((difference) => difference.store === store);
    const nameOf = ({ feature }: Difference): string => feature ?? WHOLE;
    const names = new Set([...declared, ...ofStore.map(nameOf)]);
    return [...names].map((name) =>
      testCase(
        report.name,
        store,
        name,
        ofStore.filter((one) => nameOf(one) === name),
      ),
    );
  });
  const failures = cases.filter(({ failed }) => failed).length;
  const attributes = `name="${escaped(report.name)}" tests="${cases.length}" failures="${failures}" errors="0"`;
  return `  <testsuite ${attributes}>\n${cases.map(({ xml }) => xml).join("")}  </testsuite>\n`;
}

function testCase(
  set: string,
  store: string,
  name: string,
  differences: Difference[],
): { xml: string; failed: boolean } {
  const open = `    <testcase classname="${escaped(`${set}.${store}`)}" name="${escaped(name)}"`;
  const [first] = differences;
  if (first === undefined) return { xml: `${open}/>\n`, failed: false };
  const lines = differences.map(
    ({ entity, because, kind }) => `${kind}: ${entity === null ? "" : `entity ${entity}: `}${because}`,
  );
  const message = `${differences.length} difference${differences.length === 1 ? "" : "s"}`;
  const failure = `<failure message="${message}" type="${first.kind}">${escaped(lines.join("\n"))}</failure>`;
  return { xml: `${open}>\n      ${failure}\n    </testcase>\n`, failed: true };
}

const ENTITIES: Record<string, string> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&apos;",
};

/** XML 1.0 knows no way to write most control characters, nor half a surrogate pair. */
export function escaped(text: string): string {
  return text
    .replace(/[&<>"']/g, (character) => ENTITIES[character] as string)
    .replace(/[^\t\n\r\u0020-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]/gu, "\uFFFD");
}
