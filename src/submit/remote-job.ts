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
    if (await this.#isAtWork()) {
      await this.stop();
      const end = async () => ((await this.#isAtWork()) ? undefined : true);
      await waitFor({ what: "the driver before", timeoutMs: LAST_BATCH_MS, intervalMs: POLL_MS }, end).catch(
        // Lost, or too slow: from now on it is one run too many, and ends without a word.
        () => {},
      );
    }
    await this.#notes.write(this.places.stop, this.#runId);
  }

  /** Whoever drives the set now. */
  async stop(): Promise<void> {
    await this.#notes.write(this.places.stop, "");
  }

  /**
   * What the run has said, after its submission has ended by itself; nothing where it did not begin. A report without an end
   * stays: that a submission has ended does not say that its driver has.
   */
  async events(): Promise<JobEvent[]> {
    const said = await this.#said();
    if (said.some((one) => one.event === "started" && one.run_id === this.#runId)) return said;
    const named = (await this.#notes.read(this.places.stop))?.trim();
    if (!named || named === this.#runId) return [];
    const message = `another run has begun (${named}), and two would share one checkpoint: this one has ended.`;
    return [{ event: "failed", error: { type: "SupersededError", message, traceback: message } }];
  }

  async #isAtWork(): Promise<boolean> {
    const said = await this.#said();
    return said.length > 0 && !isOver(said);
  }

  async #said(): Promise<JobEvent[]> {
    const text = await this.#notes.read(this.places.report);
    return text === undefined ? [] : parseReport(text);
  }
}

function isOver(said: JobEvent[]): boolean {
  return said.some(({ event }) => event === "finished" || event === "failed");
}
