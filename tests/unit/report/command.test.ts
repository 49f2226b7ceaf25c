import { Chalk } from "chalk";
import { expect, test } from "vitest";
import { verdictLines } from "../../../src/cli/report/verdict.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";
import { call } from "../cli/support.ts";
import { findings, neverRun, reportOf, runs } from "./document.ts";

const plain = new Chalk({ level: 0 });

test("where nothing was run there is nothing to report", async () => {
  const { exitCode, stderr } = await call(temporaryFolder(), "report");
  expect([exitCode, stderr]).toEqual([2, expect.stringContaining("nothing was run here yet")]);
});

test("the screen has what failed, and the verdict in the last line", () => {
  expect(verdictLines(reportOf(findings()), plain)).toBe("✓ PASS: 0 of 8 checks failed");
  const failed = { ...findings(), runs: { ...runs(), read: 9_999 } };
  expect(verdictLines(reportOf(failed, neverRun()), plain).split("\n")).toEqual([
    "✗ customer: events add up: 9,999 records were read, 10,000 have an outcome",
    "✗ product: job has run: it was never run here",
    "✗ FAIL: 2 of 14 checks failed, 4 skipped",
  ]);
});
