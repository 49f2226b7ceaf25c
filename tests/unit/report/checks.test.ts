import { expect, it, test } from "vitest";
import { checksOf } from "../../../src/report/checks.ts";
import type { Findings, Runs } from "../../../src/report/document.ts";
import { findings, neverRun, reportOf, runs } from "./document.ts";

function withRuns(changes: Partial<Runs>): Findings {
  return { ...findings(), runs: { ...runs(), ...changes } };
}

/** Those that do not pass, with their reasons. */
function wrong(found: Findings, result: "fail" | "skipped" = "fail"): Record<string, string> {
  const some = checksOf(found).filter((check) => check.result === result);
  return Object.fromEntries(some.map(({ name, reason }) => [name, reason]));
}

test("all pass, in a fixed order, objectives by their names", () => {
  expect(checksOf(findings()).map(({ name, result }) => [name, result])).toEqual([
    ["job has run", "pass"],
    ["last run did not fail", "pass"],
    ["events add up", "pass"],
    ["verification passes", "pass"],
    ["no rule of severity fail was broken", "pass"],
    ["objective freshness_p99", "pass"],
    ["objective quarantined_share", "pass"],
    ["drift is within thresholds", "pass"],
  ]);
  expect(reportOf(findings()).ok).toBe(true);
});

it("fails for a set that was never run, and says no more than it knows", () => {
  expect(wrong(neverRun())).toEqual({ "job has run": "it was never run here" });
  expect(Object.keys(wrong(neverRun(), "skipped"))).toEqual([
    "last run did not fail",
    "events add up",
    "verification passes",
    "no rule of severity fail was broken",
  ]);
  expect(reportOf(findings(), neverRun()).ok).toBe(false);
});

it("takes a run that is on, or a checkpoint, for a run", () => {
  const none = { finished: 0, failed: 0, stopped: 0 };
  expect(wrong(withRuns({ runs: none, running: true, lastRun: null }))).toEqual({});
  expect(wrong({ ...findings(), runs: null })).toEqual({});
  const silent = { ...withRuns({ runs: none, lastRun: null }), hasWritten: false };
  expect(wrong(silent)).toEqual({ "job has run": "no run has ended" });
});

it("fails when the last run failed, with its message", () => {
  const at = "2026-11-27T05:12:03.000Z";
  const failed = withRuns({
    lastRun: { result: "failed", at, because: "the job of customer failed\nOSError: no disk" },
  });
  expect(wrong(failed)).toEqual({ "last run did not fail": "the job of customer failed\nOSError: no disk" });
  expect(wrong(withRuns({ lastRun: { result: "stopped", at, because: null } }))).toEqual({});
});

it("fails when a run failed and which was the last is not known", () => {
  expect(wrong(withRuns({ lastRun: null }))).toEqual({
    "last run did not fail": "1 run has failed, and which was the last is not known",
  });
  expect(wrong(withRuns({ lastRun: null, runs: { finished: 2, failed: 0, stopped: 0 } }))).toEqual({});
});

it("fails when an event has no outcome, or two", () => {
  const told = { "events add up": "10,001 records were read, 10,000 have an outcome" };
  expect(wrong(withRuns({ read: 10_001 }))).toEqual(told);
  expect(wrong(withRuns({ read: 9_999 }))).toHaveProperty("events add up");
  expect(wrong(withRuns({ read: null }))).toEqual({});
  expect(wrong(withRuns({ read: null }), "skipped")).toHaveProperty("events add up");
});

it("fails when verification found a difference, and is skipped without one", () => {
  const { verification } = findings();
  if (verification === null) throw new Error("there is one");
  expect(wrong({ ...findings(), verification: { ...verification, differences: 1 } })).toEqual({
    "verification passes": "18,930 values compared, 1 difference",
  });
  const left = { ...findings(), verification: null };
  expect(wrong(left)).toEqual({});
  expect(wrong(left, "skipped")).toEqual({ "verification passes": "it was left out" });
});

it("fails when a row broke a rule of severity fail, or a run was ended by one", () => {
  const broken = findings().rules.map((rule) => (rule.severity === "fail" ? { ...rule, rows: 2 } : rule));
  const name = "no rule of severity fail was broken";
  expect(wrong({ ...findings(), rules: broken })).toEqual({ [name]: "known_flag by 2 rows" });
  const because = "the job of customer failed\nValidationError: nothing of the batch was written";
  const ended = withRuns({ lastRun: { result: "failed", at: "2026-11-27T05:12:03.000Z", because } });
  expect(wrong(ended)).toHaveProperty(name, "the last run was ended by one");
});

it("fails for each objective that is missed, and not for one that is not known", () => {
  const [first, second] = runs().objectives;
  if (first === undefined || second === undefined) throw new Error("there are two");
  expect(wrong(withRuns({ objectives: [{ ...first, actual: 5.01, met: false }, second] }))).toEqual({
    "objective freshness_p99": "5.01 s, at most 5 s",
  });
  expect(wrong(withRuns({ objectives: [first, { ...second, actual: 0.201, met: false }] }))).toEqual({
    "objective quarantined_share": "20.1 %, at most 20 %",
  });
  expect(wrong(withRuns({ objectives: [{ ...first, actual: null, met: true }] }))).toEqual({});
});

it("fails when a feature drifted, and not where none was compared", () => {
  const { drift } = findings();
  const drifted = drift.features.map((feature, i) =>
    i === 1 ? { ...feature, verdict: "drifted" as const } : feature,
  );
  expect(wrong({ ...findings(), drift: { ...drift, features: drifted } })).toEqual({
    "drift is within thresholds": "favourite_category drifted",
  });
  expect(wrong({ ...findings(), drift: neverRun().drift })).toEqual({});
});
