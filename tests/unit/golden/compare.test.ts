import { Chalk } from "chalk";
import { describe, expect, it } from "vitest";
import { goldenLines } from "../../../src/cli/report/golden.ts";
import { byJob, type ToldRow } from "../../../src/golden/by-job.ts";
import { byVerifier } from "../../../src/golden/by-verifier.ts";
import { compareCase } from "../../../src/golden/compare.ts";
import type { GoldenCase } from "../../../src/golden/golden-case.ts";
import { goldenJunit } from "../../../src/golden/junit.ts";
import { goldenReport } from "../../../src/golden/report.ts";
import { fileOf, ROW, read, shopper } from "./shopper.ts";

function oneCase(expectations: string[], given = [`insert: ${ROW}`]): GoldenCase {
  const { cases, diagnostics } = read(fileOf(given, expectations));
  expect(diagnostics).toEqual([]);
  return cases[0] as GoldenCase;
}

const JOBS: ToldRow = {
  entity: "5",
  window_start: "2026-11-03T00:00:00Z",
  window_end: "2026-12-03T00:00:00Z",
  event_timestamp: "2026-11-20T10:00:00Z",
  features: { orders: "1", spend: "10.00", average: "10.00", is_rich: "false" },
  served: true,
};

function cells(golden: GoldenCase, rows = [JOBS]) {
  return compareCase(shopper, golden, byJob(shopper, rows), byVerifier(shopper, golden));
}

describe("a case", () => {
  it("is right when both computations have what it expects", () => {
    const features =
      "{ orders: 1, spend: 10, average: 10.0, is_rich: false, _event_time: 2026-11-20T10:00:00Z }";
    const all = cells(
      oneCase([
        `{ entity: 5, features: ${features} }`,
        `{ entity: 5, window_start: 2026-11-03T00:00:00Z, features: ${features} }`,
        "{ entity: 5, window_start: 2026-10-04T00:00:00Z, features: none }",
        "{ entity: 6, features: none }",
      ]),
    );
    expect(all.filter(({ ok }) => !ok)).toEqual([]);
    expect(all).toHaveLength(14);
  });

  it("tells each cell in which one of them differs, and nulls from values", () => {
    const rows = [{ ...JOBS, features: { ...JOBS.features, spend: "9.00", is_rich: null } }];
    const all = cells(oneCase(["{ entity: 5, features: { orders: 2, spend: 10, is_rich: null } }"]), rows);
    expect(all).toEqual([
      { entity: "5", feature: null, expected: "a row", job: "a row", verifier: "a row", ok: true },
      { entity: "5", feature: "orders", expected: "2", job: "1", verifier: "1", ok: false },
      { entity: "5", feature: "spend", expected: "10.00", job: "9.00", verifier: "10.00", ok: false },
      { entity: "5", feature: "is_rich", expected: null, job: null, verifier: "false", ok: false },
    ]);
  });

  it("tells a row that is not there, and one that should not be", () => {
    expect(
      cells(oneCase(["{ entity: 6, features: { orders: null } }", "{ entity: 5, features: none }"]), []),
    ).toEqual([
      { entity: "6", feature: null, expected: "a row", job: "none", verifier: "none", ok: false },
      { entity: "5", feature: null, expected: "none", job: "none", verifier: "a row", ok: false },
    ]);
  });

  it("compares what is served, not a window that is kept no more", () => {
    const golden = oneCase(["{ entity: 5, features: { orders: 1 } }"]);
    expect(cells(golden, [{ ...JOBS, served: false }])[0]).toMatchObject({
      job: "none",
      verifier: "a row",
      ok: false,
    });
  });

  it("is judged by the watermark of the batches before", () => {
    const late = "{ order_id: 2, customer_id: 5, amount: 1.00, created_at: 2026-09-01T00:00:00Z }";
    const expectation = ["{ entity: 5, window_start: 2026-08-05T00:00:00Z, features: none }"];
    const [one, two] = [
      oneCase(expectation, [`insert: ${ROW}`, `insert: ${late}`]),
      oneCase(expectation, [`insert: ${ROW}`, "batch: true", `insert: ${late}`]),
    ];
    expect(cells(one)[0]).toMatchObject({ verifier: "a row" });
    expect(cells(two)[0]).toMatchObject({ verifier: "none" });
  });
});

describe("the report", () => {
  const wrong = { entity: "5", feature: "orders", expected: "2", job: "1", verifier: null, ok: false };
  const right = { ...wrong, feature: "spend", job: "2", verifier: "2", ok: true };
  const report = goldenReport([
    { file: "tests/a.test.yaml", name: "right <1>", ok: true, cells: [right] },
    { file: "tests/a.test.yaml", name: "wrong", ok: false, cells: [wrong, right] },
    { file: "tests/b.test.yaml", name: "broken", ok: false, cells: [], error: "ValueError: no" },
  ]);

  it("shows the cells that differ, and a sum at the end", () => {
    expect(goldenLines(report, new Chalk({ level: 0 }))).toBe(
      [
        "✓ tests/a.test.yaml: right <1>",
        "✗ tests/a.test.yaml: wrong: 1 of 2 cells differ",
        "  entity  feature  expected  job  verifier",
        "  5       orders   2         1    -",
        "✗ tests/b.test.yaml: broken",
        "  the job failed: ValueError: no",
        "1 passed, 2 failed",
      ].join("\n"),
    );
    expect(report.ok).toBe(false);
  });

  it("is a suite per file as JUnit", () => {
    const xml = goldenJunit(report.cases);
    expect(xml).toContain('<testsuite name="tests/a.test.yaml" tests="2" failures="1" errors="0">');
    expect(xml).toContain('<testcase classname="tests/a.test.yaml" name="right &lt;1&gt;"/>');
    expect(xml).toContain("entity 5, orders: expected 2, job 1, verifier null");
    expect(xml).toContain('<failure message="ValueError: no">');
  });
});
