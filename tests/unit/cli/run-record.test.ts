import { mkdtempSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterAll, expect, test } from "vitest";
import { RunRecord } from "../../../src/cli/run-record.ts";
import { Recorder, readMeasures } from "../../../src/monitor/recorder.ts";
import type { JobEvent } from "../../../src/submit/job-events.ts";
import { nothing, told } from "../monitor/told.ts";

const folder = mkdtempSync(path.join(os.tmpdir(), "cdc-features-run-record-"));
afterAll(() => rmSync(folder, { recursive: true }));

const progress = (batch: number): JobEvent => ({
  event: "progress",
  read_total: 0,
  entities_written_total: 0,
  ...told({ batch }),
});

const finished = (batches: number): JobEvent => ({
  event: "finished",
  read: 10 * batches,
  applied: 6 * batches,
  duplicates: batches,
  late: batches,
  dead_letters: batches,
  ignored: batches,
  entities_written: 4 * batches,
  rows_written: 4 * batches,
  batches,
  state_rows: 7,
  state_bytes: 700,
  quarantined: batches + 2,
  violations: { positive: batches + 2 },
  seconds: 3,
  stopped: false,
});

/** A set as of now has two rows more that break rules when it has aged. */
const refreshed: JobEvent = { event: "refreshed", quarantined: 2, violations: { positive: 2 } };

test.each([
  ["each batch is heard", [progress(1), progress(2), progress(3), refreshed, finished(3)]],
  // A driver elsewhere keeps the newest event of each kind in its report.
  ["only the newest batch is heard", [progress(3), refreshed, finished(3)]],
])("sums are those of the run when %s", async (name, events) => {
  const file = path.join(folder, `${name}.json`);
  const { totals: _, last: __, recent: ___, lastRun: ____, updatedAt: _____, ...about } = nothing();
  const recorder = await Recorder.open(file, about);
  const record = new RunRecord(recorder);
  for (const event of [...events, ...events]) record.hear(event);
  record.end("finished");
  await recorder.close();
  const { totals, last, lastRun } = (await readMeasures(file)) ?? {};
  expect(totals?.events).toEqual({ applied: 36, duplicate: 6, late: 6, dead_letter: 6, ignored: 6 });
  expect(totals).toMatchObject({
    read: 60,
    batches: 6,
    entitiesWritten: 24,
    rowsWritten: 24,
    quarantined: 10,
  });
  expect(totals?.violations).toEqual({ positive: 10 });
  expect([last?.batch, lastRun?.result]).toEqual([3, "finished"]);
  // One that is on, or was lost, is not the one that ended before.
  record.begin();
  await recorder.close();
  const lost = await readMeasures(file);
  expect([lost?.begunAt, lost?.lastRun?.result]).toEqual([expect.any(Number), "finished"]);
});

test("a backfill adds what the stores were told, and is no run", async () => {
  const file = path.join(folder, "backfill.json");
  const { totals: _, last: __, recent: ___, lastRun: ____, updatedAt: _____, ...about } = nothing();
  const recorder = await Recorder.open(file, about);
  const record = new RunRecord(recorder);
  const written = { quarantined: 1, retries: 2 };
  record.hear({
    ...{ event: "backfilled", windows: 9, left: 2, written: 5, seconds: 1 },
    ...written,
    violations: { positive: 1 },
  });
  record.hear({ ...finished(0), quarantined: 0, violations: {} } as JobEvent);
  await recorder.close();
  const { totals, last, lastRun } = (await readMeasures(file)) ?? {};
  expect(totals).toMatchObject({
    ...{ entitiesWritten: 0, rowsWritten: 5, quarantined: 1, retries: 2, violations: { positive: 1 } },
    ...{ batches: 0, runs: { finished: 0, failed: 0, stopped: 0 } },
  });
  expect([last, lastRun]).toEqual([null, null]);
});
