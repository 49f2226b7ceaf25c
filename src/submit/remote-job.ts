/** A job whose driver runs elsewhere in a cluster: told to stop, and heard, by two files beside its checkpoint. */
import type { Driver } from "../platform/driver.ts";
import { below, type Notes, type Storage } from "../platform/storage.ts";
import { waitFor } from "../platform/waits.ts";
import { type JobEvent, parseReport } from "./job-events.ts";

/** Longer than a driver takes to end behind its batch, or to cut that off. */
const LAST_BATCH_MS = 45_000;
const POLL_MS = 2_000;

export interface RemotePlaces {
  /** Names the run that may go on; a driver of any other ends. */
  stop: string;
  /** The newest event of each kind. */
  report: string;
}

/** Undefined for a driver that is heard itself. */
export function remotePlacesOf(
  { kind }: Driver,
  { checkpoints }: Storage["places"],
  featureSet: string,
): RemotePlaces | undefined {
  if (kind === "local" || kind === "container") return undefined;
  // A rebuild removes what is below the set's own name.
  const folder = below(checkpoints, "_runs", featureSet);
  return { stop: below(folder, "stop"), report: below(folder, "report.json") };
}

export class RemoteJob {
  readonly places: RemotePlaces;
  readonly #notes: Notes;
  readonly #runId: string;

  constructor(places: RemotePlaces, notes: Notes, runId: string) {
    this.places = places;
    this.#notes = notes;
    this.#runId = runId;
  }

  /** A driver that an earlier run has left alone ends, and is waited for: two would share one checkpoint. */
  async begin(): Promise<void> {
    const { stop, report } = this.places;
    const [before, said] = await this.#notes.read([stop, report]);
    await this.#notes.write(stop, this.#runId);
    if (!before || hasEnded(said, before)) return;
    const end = async () => (hasEnded((await this.#notes.read([report]))[0], before) ? true : undefined);
    await waitFor({ what: "the driver before", timeoutMs: LAST_BATCH_MS, intervalMs: POLL_MS }, end).catch(
      // It was lost, or comes too late: Spark refuses the commit of one of two.
      () => {},
    );
  }

  async stop(): Promise<void> {
    await this.#notes.write(this.places.stop, "");
  }

  /** What it has said; nothing where it has not begun. */
  async events(): Promise<JobEvent[]> {
    const [said] = await this.#notes.read([this.places.report]);
    return eventsOf(said, this.#runId);
  }
}

function hasEnded(report: string | undefined, runId: string): boolean {
  return eventsOf(report, runId).some(({ event }) => event === "finished" || event === "failed");
}

/** Those of one run: the file may still be that of another. */
function eventsOf(report: string | undefined, runId: string): JobEvent[] {
  const events = report === undefined ? [] : parseReport(report);
  return events.some((one) => one.event === "started" && one.run_id === runId) ? events : [];
}
