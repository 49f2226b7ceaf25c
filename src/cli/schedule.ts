/** One run after the other, each when it is due. */
import { setTimeout } from "node:timers/promises";
import { InterruptedError } from "../errors.ts";
import type { JobFinished } from "../submit/job-events.ts";

/** What a timer takes at most. */
const MOST_MS = 2 ** 31 - 1;

/** The next multiple of `everyMs` since 1970. */
export function nextDue(everyMs: number, nowMs: number): number {
  return (Math.floor(nowMs / everyMs) + 1) * everyMs;
}

/**
 * Runs at once, and then at each multiple of `everyMs` since 1970 (UTC), until `signal`; what all runs came to. Throws what a run
 * throws: a failed one is no reason to go on without a word. One that takes longer than the schedule is followed by the next due.
 */
export async function onSchedule(
  everyMs: number,
  runOnce: () => Promise<JobFinished>,
  { signal, onWait }: { signal: AbortSignal; onWait(text: string): void },
): Promise<JobFinished> {
  let total: JobFinished | undefined;
  while (!signal.aborted || total === undefined) {
    try {
      total = sum(total, await runOnce());
    } catch (error) {
      if (error instanceof InterruptedError && total !== undefined) break;
      throw error;
    }
    const due = nextDue(everyMs, Date.now());
    onWait(`next batch at ${new Date(due).toISOString()}`);
    while (!signal.aborted && Date.now() < due)
      await setTimeout(Math.min(due - Date.now(), MOST_MS), undefined, { signal }).catch(() => {});
  }
  return { ...(total as JobFinished), stopped: true };
}

function sum(before: JobFinished | undefined, run: JobFinished): JobFinished {
  if (before === undefined) return run;
  const added = { ...run };
  for (const key of COUNTS) added[key] += before[key];
  for (const [rule, rows] of Object.entries(before.violations))
    added.violations = { ...added.violations, [rule]: (added.violations[rule] ?? 0) + rows };
  return added;
}

const COUNTS = [
  "read",
  "applied",
  "duplicates",
  "late",
  "dead_letters",
  "ignored",
  "entities_written",
  "batches",
  "quarantined",
  "seconds",
] as const;
