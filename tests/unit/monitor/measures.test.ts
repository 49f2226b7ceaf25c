import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import {
  type Measures,
  parseMeasures,
  withBatch,
  withLive,
  withRun,
  withViolations,
  withWriteFailure,
} from "../../../src/monitor/measures.ts";
import { freshness, lagSeconds, objectives, staleness } from "../../../src/monitor/objectives.ts";
import { Recorder, readMeasures } from "../../../src/monitor/recorder.ts";
import { NOW, nothing, told } from "./told.ts";

test("batches add up, and the newest is known", () => {
  const after = withBatch(withBatch(nothing(), told(), NOW), told({ position: 20, state_rows: 9 }), NOW + 1);
  expect(after.totals.events).toEqual({ applied: 12, duplicate: 2, late: 2, dead_letter: 2, ignored: 2 });
  expect(after.totals).toMatchObject({
    read: 20,
    batches: 2,
    entitiesWritten: 8,
    quarantined: 2,
    retries: 4,
  });
  expect(after.totals.violations).toEqual({ positive: 2 });
  expect(after.totals.phases).toEqual({ pass: 0.8, parquet: 0.2 });
  expect(after.last).toMatchObject({ at: NOW + 1, position: 20, stateRows: 9 });
  expect(after.recent).toHaveLength(2);
});

test("runs, failures, and rows that time alone made wrong are counted", () => {
  const after = withViolations(
    withWriteFailure(withRun(nothing(), "failed", NOW), "redis", NOW),
    { quarantined: 3, violations: { positive: 3 } },
    NOW,
  );
  expect(after.totals.runs).toEqual({ finished: 0, failed: 1, stopped: 0 });
  expect(after.totals.writeFailures).toEqual({ redis: 1, parquet: 0 });
  expect(after.totals).toMatchObject({ quarantined: 3, violations: { positive: 3 } });
});

test("how the last run ended is known, and why it failed", () => {
  const failed = withRun(nothing(), "failed", NOW, "the job failed");
  expect(failed.lastRun).toEqual({ result: "failed", at: NOW, because: "the job failed" });
  expect(withRun(failed, "finished", NOW + 1).lastRun).toMatchObject({ result: "finished", because: null });
});

test("a file of before has neither the records that were read nor the last run", () => {
  const { lastRun: _, ...before } = withBatch(nothing(), told(), NOW);
  const { read: __, ...totals } = before.totals;
  const known = parseMeasures(JSON.stringify({ ...before, totals }));
  expect(known).toMatchObject({ totals: { read: null, batches: 1 }, lastRun: null });
  expect(withBatch(known as Measures, told(), NOW).totals.read).toBeNull();
});

test("no more batches are kept than charts show", () => {
  let measures = nothing();
  for (let i = 0; i < 700; i += 1) measures = withBatch(measures, told({ batch: i }), NOW + i);
  expect(measures.recent).toHaveLength(600);
  expect(measures.recent.at(-1)?.at).toBe(NOW + 699);
  expect(measures.totals.batches).toBe(700);
});

describe("objectives", () => {
  const observed = { lagEvents: 0, running: true, now: NOW };
  const slos = {
    freshnessP50Ms: 200,
    freshnessP99Ms: 3_999,
    lagMs: 1_000,
    stalenessMs: 60_000,
    quarantinedShare: 0.2,
    deadLetterShare: 0.05,
  };

  test("are met up to their targets", () => {
    const measures = withBatch(nothing(slos), told(), NOW - 60_000);
    const met = Object.fromEntries(objectives(measures, observed).map((one) => [one.name, one.met]));
    // 4 rows were written and 1 kept back; 1 of 10 events was a dead letter.
    expect(met).toEqual({
      freshnessP50Ms: true,
      freshnessP99Ms: false,
      lagMs: true,
      stalenessMs: true,
      quarantinedShare: true,
      deadLetterShare: false,
    });
    const later = objectives(measures, { ...observed, now: NOW + 1 });
    expect(later.find(({ name }) => name === "stalenessMs")).toMatchObject({
      met: false,
      target: 60,
      actual: 60.001,
    });
  });

  test("of which nothing is known are met", () => {
    expect(
      objectives(nothing(slos), { ...observed, lagEvents: null }).map(({ actual, met }) => [actual, met]),
    ).toEqual(new Array(6).fill([null, true]));
  });

  test("freshness is that of five minutes, or else of the latest batch", () => {
    const old = withBatch(nothing(), told(), NOW - 400_000);
    expect(freshness(old, NOW)).toEqual({ p50: 0.2, p95: 4, p99: 4 });
    const live = withLive(old, { count: 5, shares: [[1, 0.03]] }, NOW - 1_000);
    expect(freshness(live, NOW)).toEqual({ p50: 0.03, p95: 0.03, p99: 0.03 });
  });

  test("lag is the age of the newest record worked off, as long as others wait", () => {
    const measures = withBatch(nothing(), told(), NOW);
    expect(lagSeconds(measures, observed)).toBe(0);
    expect(lagSeconds(measures, { ...observed, lagEvents: 3 })).toBe(2);
    expect(lagSeconds(measures, { ...observed, lagEvents: null })).toBeNull();
    expect(staleness(nothing(), NOW)).toBeNull();
  });
});

describe("in a file", () => {
  const folder = mkdtempSync(path.join(os.tmpdir(), "cdc-features-measures-"));
  const file = path.join(folder, "runs", "measures.json");
  const { totals: _, last: __, recent: ___, updatedAt: ____, ...about } = nothing();
  afterAll(() => rmSync(folder, { recursive: true }));

  test("they go on over runs, with what the definition says by then", async () => {
    const first = await Recorder.open(file, about);
    first.change((measures) => withBatch(measures, told(), NOW));
    await first.close();
    const second = await Recorder.open(file, { ...about, slos: { lagMs: 5 } });
    second.change((measures) => withBatch(measures, told(), NOW));
    await second.close();
    const read = await readMeasures(file);
    expect(read?.totals.batches).toBe(2);
    expect(read?.slos).toEqual({ lagMs: 5 });
  });

  test("one that cannot be read is begun anew, and one that cannot be written harms nothing", async () => {
    writeFileSync(file, "{");
    expect(await readMeasures(file)).toBeUndefined();
    const recorder = await Recorder.open(path.join(file, "below-a-file"), about).catch(() => undefined);
    expect(recorder).toBeUndefined();
    const anew = await Recorder.open(file, about);
    rmSync(path.dirname(file), { recursive: true });
    writeFileSync(path.dirname(file), "");
    anew.change((measures) => withBatch(measures, told(), NOW));
    await anew.close();
    expect(existsSync(file)).toBe(false);
  });
});
