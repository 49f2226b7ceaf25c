import { describe, expect, it, test } from "vitest";
import type { Findings, ReportDocument } from "../../../src/report/document.ts";
import { pageOf } from "../../../src/report/page/page.ts";
import { problemsOf } from "../../support/html.ts";
import { findings, neverRun, reportOf, runs } from "./document.ts";

/** Each text of it is made to break out of wherever it stands. */
function hostile<Value>(value: Value, text: string): Value {
  if (typeof value === "string") return text as Value;
  if (Array.isArray(value)) return value.map((one) => hostile(one, text)) as Value;
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, hostile(one, text)])) as Value;
}

function withoutRuns(): Findings {
  return { ...findings(), runs: { ...runs(), recent: [], ages: [], lastRun: null, lastBatch: null } };
}

describe("the page", () => {
  const document = reportOf(findings(), neverRun());
  const page = pageOf(document);

  it("is well-formed, and without holes where something is not known", () => {
    const early = {
      ...runs(),
      stateRows: null,
      stateBytes: null,
      watermark: null,
      lagEvents: null,
      read: null,
    };
    const pages = [
      page,
      pageOf(reportOf()),
      pageOf(reportOf(withoutRuns())),
      pageOf(reportOf({ ...findings(), runs: { ...early, allPhases: {}, phases: {} } })),
      pageOf(reportOf({ ...findings(), rules: [], drift: { ...findings().drift, features: [] } })),
    ];
    for (const one of pages) {
      expect(problemsOf(one)).toEqual([]);
      expect(one).not.toMatch(/NaN|Infinity|undefined|\[object/);
    }
  });

  it("takes nothing from elsewhere, and runs nothing", () => {
    expect(page).not.toMatch(/<script|<link|<img|<iframe|<object|@import|url\(|https?:|src=|\son\w+=/i);
    const targets = [...page.matchAll(/href="([^"]*)"/g)].map((match) => match[1] as string);
    expect(targets.length).toBeGreaterThan(2);
    for (const target of targets) expect(page).toContain(`id="${target.slice(1)}"`);
  });

  it.each([`<script>alert(1)</script>`, `"&'`, `"><img src=x onerror=alert(1)>`, `</style></title><b>`])(
    "escapes %s wherever it stands",
    (text) => {
      const attack = hostile<ReportDocument>(document, text);
      attack.about[text] = text;
      for (const { runs } of attack.featureSets)
        for (const counts of runs === null
          ? []
          : [runs.events, runs.runs, runs.allPhases, runs.writeFailures])
          counts[text] = 1;
      const attacked = pageOf(attack);
      expect(problemsOf(attacked)).toEqual([]);
      expect(attacked).not.toMatch(/<script|<img|<b>(?!\d|not)/);
      expect(attacked).toContain(
        text
          .replaceAll("&", "&amp;")
          .replaceAll("<", "&lt;")
          .replaceAll(">", "&gt;")
          .replaceAll('"', "&quot;")
          .replaceAll("'", "&#39;"),
      );
    },
  );

  it("has its headings in order, rows and columns with a scope, and names for charts", () => {
    expect(page).toMatch(/<html lang="en">/);
    const levels = [...page.matchAll(/<h(\d)/g)].map((match) => Number(match[1]));
    expect(levels[0]).toBe(1);
    expect(levels.filter((level) => level === 1)).toHaveLength(1);
    const steps = levels.slice(1).map((level, i) => level - (levels[i] as number));
    expect(Math.max(...steps)).toBe(1);
    expect(page).not.toMatch(/<th(?![^>]* scope=)[ >]/);
    for (const [tag] of page.matchAll(/<svg[^>]*>/g))
      expect(tag).toMatch(/role="img" aria-label="[^"]+|aria-hidden/);
  });

  it("begins with the verdict and each check with its reason", () => {
    const failed = pageOf(reportOf({ ...findings(), runs: { ...runs(), read: 10_001 } }));
    expect(page).toContain("FAIL</p>");
    expect(pageOf(reportOf(findings()))).toContain("PASS</p>");
    expect(failed).toMatch(
      /FAIL<\/span><span>events add up<\/span><span class="reason">10,001 records were read, 10,000/,
    );
    const count = document.featureSets.flatMap(({ checks }) => checks).length;
    expect(page.match(/<li class="(pass|fail|skipped)">/g)).toHaveLength(count);
  });

  it("holds the numbers of every section", () => {
    const numbers = [
      ...["micro-batch", "2 finished, 1 failed, 1 stopped", "9,000", "2026-11-27 04:12:03 UTC"], // what ran
      ...["400 ms", "1.7 s", "55.6 %"], // freshness
      ...["28.5 s, 61.6 %", "12,345", "2.9 MB"], // throughput, state
      ...["Nobody is paid", "is -9.50, below 0", "12 rows were kept"], // validation
      ...["0.031", "1,400 → 1,702", "household appli…", "≤ 120", "&gt; 12,346"], // drift
      ...["customer:&lt;customer_id&gt;:features", "customer_features/", "shop.public.orders"], // lineage
      ...["18,930", "No value differs."], // verification
      ...["2026-11-27 05:43:08 UTC", "20.20.2", "bb14a636bb14a636", "features/customer.yaml"], // how it was made
    ];
    expect(numbers.filter((number) => !page.replaceAll("<wbr/>", "").includes(number))).toEqual([]);
  });

  it("says in a sentence where there is nothing", () => {
    const empty = pageOf(reportOf({ ...neverRun(), rules: [] }));
    for (const sentence of [
      "No run of this set has told anything here yet.",
      "There was no batch yet that told of its state.",
      "The definition has no rules of validation.",
      "No row is in quarantine.",
      "not compared: there is nothing in the offline store",
      "There is nothing to verify before the first run.",
    ])
      expect(empty).toContain(sentence);
  });

  it("says that verification was left out", () => {
    const left = pageOf({ ...reportOf({ ...findings(), verification: null }), against: null });
    expect(left).toContain("Verification was left out (--no-verify).");
    expect(left).toContain("SKIPPED</span><span>verification passes");
  });

  it("shows the first differences, and how many there are", () => {
    const difference = {
      ...({ entity: "42", store: "online", feature: "total_spend_30d", kind: "different" } as const),
      ...{ expected: "123.40", actual: null, because: "it is what comes without order_id 10" },
    };
    const verification = { expected: 1, online: 1, offline: 1, checkedValues: 9, differences: 31 };
    const first = new Array(20).fill(difference);
    const differing = pageOf(reportOf({ ...findings(), verification: { ...verification, first } }));
    expect(differing).toContain("The first 20 of 31 differences");
    expect(differing.replaceAll("<wbr/>", "").match(/without order_id 10/g)).toHaveLength(20);
  });
});

test("a page comes from its JSON alone", () => {
  const document = reportOf(findings(), neverRun());
  expect(pageOf(JSON.parse(JSON.stringify(document)))).toBe(pageOf(document));
});
