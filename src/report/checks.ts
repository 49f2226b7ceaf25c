/** The list that a set passes or fails: small named checks over what was found. Pure. */
import { count, duration, significant } from "../page/numbers.ts";
import type { Check, Findings, Runs } from "./document.ts";

type Told = Omit<Check, "name">;

const pass = (reason: string): Told => ({ result: "pass", reason });
const fail = (reason: string): Told => ({ result: "fail", reason });
const skipped = (reason: string): Told => ({ result: "skipped", reason });

/** One list for all sets; objectives come by their names, where the definition has any. */
export const ALL_CHECKS: ((found: Findings) => Check[])[] = [
  named("job has run", hasRun),
  named("last run did not fail", lastRunDidNotFail),
  named("events add up", eventsAddUp),
  named("verification passes", verificationPasses),
  named("no rule of severity fail was broken", noFailingRule),
  objectivesMet,
  named("drift is within thresholds", driftWithin),
];

export function checksOf(found: Findings): Check[] {
  return ALL_CHECKS.flatMap((check) => check(found));
}

function named(name: string, check: (found: Findings) => Told): (found: Findings) => Check[] {
  return (found) => [{ name, ...check(found) }];
}

function hasRun({ runs, hasWritten }: Findings): Told {
  if (runs === null)
    return hasWritten
      ? pass("a checkpoint is there, of runs that have told nothing else")
      : fail("it was never run here");
  const ended = Object.values(runs.runs).reduce((sum, one) => sum + one, 0);
  if (ended > 0)
    return pass(`${counted(ended, "run has", "runs have")} ended${runs.running ? ", one is on" : ""}`);
  if (runs.running) return pass("its first run is on");
  return hasWritten ? pass("a run wrote, and did not tell its end") : fail("no run has ended");
}

function lastRunDidNotFail({ runs }: Findings): Told {
  if (runs === null) return skipped("no run has told how it ended");
  const { lastRun } = runs;
  if (lastRun !== null) {
    if (lastRun.result !== "failed")
      return pass(`it ${lastRun.result === "stopped" ? "was stopped" : "finished"}`);
    return fail(lastRun.because ?? "it failed");
  }
  if (runs.running) return skipped("a run is on");
  const failed = runs.runs.failed ?? 0;
  return failed === 0
    ? pass("no run has failed")
    : fail(`${counted(failed, "run has", "runs have")} failed, and which was the last is not known`);
}

/** Each record that was read has exactly one outcome. */
function eventsAddUp({ runs }: Findings): Told {
  if (runs === null) return skipped("no run has told of its events");
  if (runs.read === null) return skipped("earlier runs did not count the records that they read");
  const outcomes = Object.values(runs.events).reduce((sum, one) => sum + one, 0);
  const told = `${counted(runs.read, "record was", "records were")} read, ${count(outcomes)} have an outcome`;
  return outcomes === runs.read ? pass(told) : fail(told);
}

function verificationPasses({ verification, hasWritten }: Findings): Told {
  if (verification === null)
    return hasWritten
      ? skipped("it was left out")
      : skipped("there is nothing to verify before the first run");
  const { checkedValues, differences } = verification;
  const told = `${counted(checkedValues, "value", "values")} compared, ${counted(differences, "difference", "differences")}`;
  return differences === 0 ? pass(told) : fail(told);
}

/** A job that ends for such a rule names this class of its own; see spark-jobs/cdc_features/validation.py. */
const BY_VALIDATION = /^ValidationError: /m;

function noFailingRule({ rules, runs }: Findings): Told {
  const because = runs?.lastRun?.because ?? "";
  if (BY_VALIDATION.test(because)) return fail("the last run was ended by one");
  const failing = rules.filter(({ severity }) => severity === "fail");
  if (failing.length === 0) return pass("there are none");
  const broken = failing.filter(({ rows }) => (rows ?? 0) > 0);
  if (broken.length > 0)
    return fail(broken.map(({ name, rows }) => `${name} by ${counted(rows ?? 0, "row", "rows")}`).join(", "));
  if (runs === null) return skipped("no run has told of its rows");
  return pass(`no row broke ${failing.length === 1 ? "it" : `one of ${failing.length}`}`);
}

function objectivesMet({ runs }: Findings): Check[] {
  return (runs?.objectives ?? []).map((objective) => {
    const { name, actual, target, met } = objective;
    const reason =
      actual === null
        ? "not known, which is no breach"
        : `${objectiveText(objective, actual)}, at most ${objectiveText(objective, target)}`;
    return { name: `objective ${name}`, ...(met ? pass(reason) : fail(reason)) };
  });
}

/** With so many digits that what is just above its target differs from it. */
function objectiveText({ unit }: Runs["objectives"][number], value: number): string {
  return unit === "share" ? `${significant(value * 100)} %` : duration(value);
}

function driftWithin({ drift }: Findings): Told {
  const { features } = drift;
  const of = (verdict: string) => features.filter((one) => one.verdict === verdict);
  const drifted = of("drifted");
  if (drifted.length > 0) return fail(`${drifted.map(({ feature }) => feature).join(", ")} drifted`);
  const compared = of("fine").length;
  if (compared > 0) return pass(`${counted(compared, "feature", "features")} compared`);
  return pass(`nothing was compared: ${features[0]?.reasons[0] ?? "no feature is looked at"}`);
}

function counted(value: number, one: string, many: string): string {
  return `${count(value)} ${value === 1 ? one : many}`;
}
