/** What a run tells, for whoever watches the set. */
import {
  type About,
  withBackfill,
  withBatch,
  withRest,
  withRun,
  withViolations,
  withWriteFailure,
} from "../monitor/measures.ts";
import type { Recorder } from "../monitor/recorder.ts";
import type { JobEvent, JobFinished, JobProgress } from "../submit/job-events.ts";
import type { Definition } from "./definitions.ts";

/** What those who watch the set have to know of it. */
export function aboutSet(
  { featureSet, file }: Definition,
  { topic, mode }: Pick<About, "topic" | "mode">,
): About {
  return {
    featureSet: featureSet.name,
    file,
    slos: { ...featureSet.slos },
    severities: Object.fromEntries(featureSet.validation.map((rule) => [rule.name, rule.severity])),
    topic,
    mode,
    scheduled: featureSet.scheduleMs !== null,
  };
}

const COUNTS = [
  "read",
  "applied",
  "duplicates",
  "late",
  "dead_letters",
  "ignored",
  "entities_written",
  "rows_written",
  "quarantined",
] as const;

type Counted = Record<(typeof COUNTS)[number] | "batches", number> & { violations: Record<string, number> };

export class RunRecord {
  readonly #recorder: Recorder;
  #told = nothing();

  constructor(recorder: Recorder) {
    this.#recorder = recorder;
  }

  begin(): void {
    this.#recorder.change((measures) => ({ ...measures, begunAt: Date.now() }));
  }

  hear(event: JobEvent): void {
    const now = Date.now();
    if (event.event === "progress") {
      this.#count(event, 1);
      this.#recorder.change((measures) => withBatch(measures, event, now));
    } else if (event.event === "refreshed") {
      const { quarantined, violations } = event;
      this.#count({ quarantined, violations }, 0);
      this.#recorder.change((measures) => withViolations(measures, event, now));
    } else if (event.event === "backfilled") {
      this.#recorder.change((measures) => withBackfill(measures, event, now));
    } else if (event.event === "write_failed") {
      this.#recorder.change((measures) => withWriteFailure(measures, event.store, now));
    } else if (event.event === "finished") {
      this.#makeUp(event, now);
    }
  }

  end(result: "finished" | "failed" | "stopped", because: string | null = null): void {
    this.#recorder.change((measures) => withRun(measures, result, Date.now(), because));
  }

  /** Of a driver elsewhere only the newest batch is heard one by one. */
  #makeUp(finished: JobFinished, now: number): void {
    const rest = nothing();
    for (const key of COUNTS) rest[key] = finished[key] - this.#told[key];
    rest.batches = finished.batches - this.#told.batches;
    for (const [rule, rows] of Object.entries(finished.violations))
      rest.violations[rule] = rows - (this.#told.violations[rule] ?? 0);
    this.#told = nothing();
    if (rest.batches > 0) this.#recorder.change((measures) => withRest(measures, rest, now));
  }

  #count(
    event: Partial<Omit<JobProgress, "event">> & Pick<JobProgress, "violations">,
    batches: number,
  ): void {
    for (const key of COUNTS) this.#told[key] += event[key] ?? 0;
    this.#told.batches += batches;
    for (const [rule, rows] of Object.entries(event.violations))
      this.#told.violations[rule] = (this.#told.violations[rule] ?? 0) + rows;
  }
}

function nothing(): Counted {
  return {
    read: 0,
    applied: 0,
    duplicates: 0,
    late: 0,
    dead_letters: 0,
    ignored: 0,
    entities_written: 0,
    rows_written: 0,
    quarantined: 0,
    batches: 0,
    violations: {},
  };
}
