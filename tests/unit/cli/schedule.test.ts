import { describe, expect, test } from "vitest";
import { nextDue, onSchedule } from "../../../src/cli/schedule.ts";
import { InterruptedError, JobError } from "../../../src/errors.ts";
import type { JobFinished } from "../../../src/submit/job-events.ts";

const HOUR = 3_600_000;

test("it is due at multiples since 1970, and never right now", () => {
  const noon = Date.parse("2026-11-27T12:00:00Z");
  expect(new Date(nextDue(6 * HOUR, noon - 1)).toISOString()).toBe("2026-11-27T12:00:00.000Z");
  expect(new Date(nextDue(6 * HOUR, noon)).toISOString()).toBe("2026-11-27T18:00:00.000Z");
  expect(new Date(nextDue(24 * HOUR, noon)).toISOString()).toBe("2026-11-28T00:00:00.000Z");
});

const finished = (read: number): JobFinished => ({
  event: "finished",
  read,
  applied: read,
  duplicates: 0,
  late: 0,
  dead_letters: 0,
  ignored: 0,
  entities_written: 1,
  rows_written: 0,
  batches: 1,
  state_rows: read,
  state_bytes: 10,
  quarantined: 1,
  violations: { positive: 1 },
  seconds: 2,
  stopped: false,
});

describe("runs on a schedule", () => {
  test("follow each other until they are told to end, and add up", async () => {
    const ending = new AbortController();
    const waits: string[] = [];
    let runs = 0;
    const total = await onSchedule(
      20,
      async () => {
        runs += 1;
        if (runs === 3) ending.abort();
        return finished(runs);
      },
      { signal: ending.signal, onWait: (text) => waits.push(text) },
    );
    expect(runs).toBe(3);
    expect(total).toMatchObject({
      read: 6,
      batches: 3,
      seconds: 6,
      quarantined: 3,
      stopped: true,
      state_rows: 3,
    });
    expect(total.violations).toEqual({ positive: 3 });
    expect(waits[0]).toMatch(/^next batch at \d{4}-/);
  });

  test("end while they wait, however long that would be", async () => {
    const ending = new AbortController();
    const running = onSchedule(60 * 24 * HOUR, async () => finished(1), {
      signal: ending.signal,
      onWait: () => setImmediate(() => ending.abort()),
    });
    expect((await running).read).toBe(1);
  });

  test("end with what they came to when one is stopped, and tell a failure", async () => {
    const ending = new AbortController();
    let runs = 0;
    const stopped = async () => {
      runs += 1;
      if (runs === 1) return finished(5);
      ending.abort();
      throw new InterruptedError("stopped");
    };
    expect((await onSchedule(10, stopped, { signal: ending.signal, onWait: () => {} })).read).toBe(5);
    const fails = async () => {
      throw new JobError("it failed");
    };
    const options = { signal: new AbortController().signal, onWait: () => {} };
    await expect(onSchedule(10, fails, options)).rejects.toThrow("it failed");
    const first = async () => {
      throw new InterruptedError("stopped");
    };
    await expect(onSchedule(10, first, options)).rejects.toThrow("stopped");
  });
});
