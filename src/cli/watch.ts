/** What `status` and `monitor` look at: the measures of runs, Kafka for their lag, and the online store. */
import { setTimeout } from "node:timers/promises";
import { CdcFeaturesError } from "../errors.ts";
import type { Watched } from "../monitor/families.ts";
import type { Measures } from "../monitor/measures.ts";
import { type OnlineCensus, takeCensus } from "../monitor/online-census.ts";
import { readMeasures } from "../monitor/recorder.ts";
import { endsOf } from "../platform/kafka-admin.ts";
import type { Endpoints, Stack } from "../stack/stack.ts";
import { positionReached } from "../submit/reached.ts";
import { runningJob } from "../submit/run.ts";
import type { RunFolder } from "../submit/run-folder.ts";
import { runFolders } from "../submit/run-states.ts";
import type { Context, Target } from "./context.ts";
import { loadDefinitions } from "./definitions.ts";

/** Asked at most so often, however many scrape. */
const LAG_MS = 1_000;

export class Watch {
  readonly #stack: Stack;
  /** Undefined for all that there are. */
  readonly #wanted: string[] | undefined;
  readonly #cwd: string;
  readonly #online = new Map<string, OnlineCensus>();
  readonly #lags = new Map<string, { at: number; end: Promise<number | null> }>();
  #endpoints: Promise<Endpoints | undefined> | undefined;

  private constructor(stack: Stack, wanted: string[] | undefined, cwd: string) {
    this.#stack = stack;
    this.#wanted = wanted;
    this.#cwd = cwd;
  }

  /** Sets that were run by the time of looking: all, or those that are named. */
  static async open(sets: string[], target: Target, context: Context): Promise<Watch> {
    const named = sets.length === 0 ? undefined : await loadDefinitions(sets, context.cwd);
    const wanted = named?.map(({ featureSet }) => featureSet.name);
    return new Watch(context.stack(target), wanted, context.cwd);
  }

  static ofAll(stack: Stack, cwd: string): Watch {
    return new Watch(stack, undefined, cwd);
  }

  get what(): string {
    return this.#wanted?.join(", ") ?? "all sets";
  }

  async #folders(): Promise<{ featureSet: string; folder: RunFolder }[]> {
    const all = await runFolders(this.#stack.stateDir);
    return all.filter(({ featureSet }) => this.#wanted?.includes(featureSet) ?? true);
  }

  /** What is known now; a set without measures, of which no run has told anything, is left out. */
  async look(): Promise<Watched[]> {
    const all = await Promise.all(
      (await this.#folders()).map(async ({ featureSet, folder }) => {
        const [told, job] = await Promise.all([readMeasures(folder.measures), runningJob(folder)]);
        if (told === undefined) return [];
        const [end, reached] = await Promise.all([
          this.#endOf(told),
          positionReached(this.#stack.stateDir, featureSet, told.topic),
        ]);
        const measures = withUnheard(told, reached);
        const position = reached?.position ?? told.last?.position ?? (hasBegun(told) ? 0 : null);
        // Another process may have written a batch meanwhile.
        const lagEvents = end === null || position === null ? null : Math.max(end - position, 0);
        const observed = { lagEvents, running: job !== undefined, now: Date.now() };
        return [{ measures, observed, online: this.#online.get(featureSet) ?? null }];
      }),
    );
    return all.flat();
  }

  /** Counts what the online store holds. What cannot be reached or found is left as it was. */
  async lookOnline(): Promise<void> {
    const endpoints = await this.#reach();
    for (const { featureSet, folder } of await this.#folders()) {
      const measures = await readMeasures(folder.measures);
      if (measures === undefined || endpoints === undefined) continue;
      try {
        const [definition] = await loadDefinitions([measures.file], this.#cwd);
        if (definition !== undefined)
          this.#online.set(featureSet, await takeCensus(definition.featureSet, endpoints.redis));
      } catch (error) {
        if (!(error instanceof CdcFeaturesError)) throw error;
      }
    }
  }

  async keepLookingOnline(everyMs: number, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.lookOnline();
      await setTimeout(everyMs, undefined, { signal }).catch(() => {});
    }
  }

  /** The sum of the topic's end offsets; null where it cannot be told. */
  #endOf({ topic }: Measures): Promise<number | null> {
    const known = this.#lags.get(topic);
    if (known !== undefined && known.at > Date.now() - LAG_MS) return known.end;
    const end = this.#reach().then(async (endpoints) => {
      if (endpoints === undefined) return null;
      try {
        return [...(await endsOf(endpoints.kafka, topic)).values()].reduce((sum, one) => sum + one, 0);
      } catch {
        // The stack may have come up elsewhere since.
        this.#endpoints = undefined;
        return null;
      }
    });
    this.#lags.set(topic, { at: Date.now(), end });
    return end;
  }

  /** Undefined while the stack is down; asked again then. */
  async #reach(): Promise<Endpoints | undefined> {
    this.#endpoints ??= this.#stack.endpoints().catch((error: unknown) => {
      this.#endpoints = undefined;
      if (error instanceof CdcFeaturesError) return undefined;
      throw error;
    });
    return this.#endpoints;
  }
}

/** Of a set that was only backfilled nobody expects that it follows its topic. */
function hasBegun({ begunAt, totals }: Measures): boolean {
  return begunAt !== null || Object.values(totals.runs).some((count) => count > 0);
}

/**
 * A job whose command was killed goes on unheard; its checkpoint tells when it last wrote. How old its newest record is, it does not
 * tell: the one before is older, so that the lag is at most that long.
 */
function withUnheard(measures: Measures, reached: { position: number; at: number } | undefined): Measures {
  const { last } = measures;
  if (last === null || reached === undefined || reached.position <= last.position) return measures;
  return { ...measures, last: { ...last, at: Math.max(reached.at, last.at) } };
}
