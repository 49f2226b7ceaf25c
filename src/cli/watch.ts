/** What `status` and `monitor` look at: the measures of runs, Kafka for their lag, and the online store. */
import { setTimeout } from "node:timers/promises";
import { CdcFeaturesError, UsageError } from "../errors.ts";
import type { Watched } from "../monitor/families.ts";
import type { Measures } from "../monitor/measures.ts";
import { type OnlineCensus, takeCensus } from "../monitor/online-census.ts";
import { readMeasures } from "../monitor/recorder.ts";
import { endsOf } from "../platform/kafka-admin.ts";
import type { Endpoints, Stack } from "../stack/stack.ts";
import { runningJob } from "../submit/run.ts";
import type { RunFolder } from "../submit/run-folder.ts";
import { runFolders } from "../submit/run-states.ts";
import type { Context, Target } from "./context.ts";
import { loadDefinitions } from "./definitions.ts";

/** Asked at most so often, however many scrape. */
const LAG_MS = 1_000;

export class Watch {
  readonly #stack: Stack;
  readonly #folders: { featureSet: string; folder: RunFolder }[];
  readonly #cwd: string;
  readonly #online = new Map<string, OnlineCensus>();
  readonly #lags = new Map<string, { at: number; end: Promise<number | null> }>();
  #endpoints: Promise<Endpoints | undefined> | undefined;

  private constructor(stack: Stack, folders: { featureSet: string; folder: RunFolder }[], cwd: string) {
    this.#stack = stack;
    this.#folders = folders;
    this.#cwd = cwd;
  }

  /** All sets that were run, or those that are named. Throws UsageError where there is none, or one was never run. */
  static async open(sets: string[], target: Target, context: Context): Promise<Watch> {
    const stack = context.stack(target);
    const all = await runFolders(stack.stateDir);
    const names =
      sets.length === 0
        ? []
        : (await loadDefinitions(sets, context.cwd)).map(({ featureSet }) => featureSet.name);
    const unknown = names.find((name) => !all.some(({ featureSet }) => featureSet === name));
    if (all.length === 0 || unknown !== undefined)
      throw new UsageError(
        `${unknown ?? "nothing"} was ${unknown === undefined ? "run here yet" : "never run here"}`,
        {
          hint: `Try \`cdc-features run ${unknown ?? "customer"}\`.`,
        },
      );
    const folders = names.length === 0 ? all : all.filter(({ featureSet }) => names.includes(featureSet));
    return new Watch(stack, folders, context.cwd);
  }

  /** All sets that were run, if any. */
  static async ofAll(stack: Stack, cwd: string): Promise<Watch> {
    return new Watch(stack, await runFolders(stack.stateDir), cwd);
  }

  get names(): string[] {
    return this.#folders.map(({ featureSet }) => featureSet);
  }

  /** What is known now; a set without measures, of which no run has told anything, is left out. */
  async look(): Promise<Watched[]> {
    const all = await Promise.all(
      this.#folders.map(async ({ featureSet, folder }) => {
        const [measures, job] = await Promise.all([readMeasures(folder.measures), runningJob(folder)]);
        if (measures === undefined) return [];
        const end = await this.#endOf(measures);
        // Another process may have written a batch meanwhile.
        const lagEvents = end === null ? null : Math.max(end - (measures.last?.position ?? 0), 0);
        const observed = { lagEvents, running: job !== undefined, now: Date.now() };
        return [{ measures, observed, online: this.#online.get(featureSet) ?? null }];
      }),
    );
    return all.flat();
  }

  /** Counts what the online store holds. What cannot be reached or found is left as it was. */
  async lookOnline(): Promise<void> {
    const endpoints = await this.#reach();
    for (const { featureSet, folder } of this.#folders) {
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
