/** A benchmark from its first server to its last: part by part, on a stack of its own, which is gone afterwards. */

import { existsSync } from "node:fs";
import { copyFile, mkdir } from "node:fs/promises";
import path from "node:path";
import { JobError } from "../errors.ts";
import type { Progress } from "../platform/progress.ts";
import type { Stack } from "../stack/stack.ts";
import { stopJob } from "../submit/run.ts";
import { runFolders } from "../submit/run-states.ts";
import type { BenchDocument, Part } from "./document.ts";
import { machine, versions } from "./machine.ts";
import { Orders } from "./orders.ts";
import { measureBulk } from "./parts/bulk.ts";
import { measureFreshness } from "./parts/freshness.ts";
import { measureGrowth } from "./parts/growth.ts";
import { measureHot } from "./parts/hot.ts";
import { measureIdle } from "./parts/idle.ts";
import { measureReads } from "./parts/reads.ts";
import { measureWrites } from "./parts/writes.ts";
import type { BenchPlan } from "./plan.ts";
import { rounded } from "./statistics.ts";
import { wayNamed } from "./ways.ts";
import { type Equipment, Workbench } from "./workbench.ts";

type Results = BenchDocument["parts"];

/** Each in a form that the document takes, in the order of `PARTS`: what is live leaves more in the topic than was there. */
const MEASURE: { [P in Part]: (bench: Workbench) => Promise<NonNullable<Results[P]>> } = {
  bulk: measureBulk,
  reads: measureReads,
  idle: measureIdle,
  writes: measureWrites,
  freshness: measureFreshness,
  hot: measureHot,
  growth: measureGrowth,
};

export interface BenchOptions extends Pick<Equipment, "plan" | "stack" | "progress" | "signal" | "sets"> {
  requestOf(endpoints: Equipment["endpoints"]): Equipment["requestOf"];
  /** A folder that takes the logs of jobs where one fails, since theirs goes with the stack. */
  logs: string;
  /** Leaves the servers as they are. */
  keep: boolean;
  /** Hears of what is known so far, after each part: what an interruption leaves is worth keeping. */
  onPart(document: BenchDocument): Promise<void>;
}

/** Throws what a part throws; the stack ends and is removed then, too. */
export async function runBench(options: BenchOptions): Promise<BenchDocument> {
  const { plan, stack, progress, signal, keep, onPart } = options;
  const [started, begun, about] = [new Date(), performance.now(), machine()];
  // What a killed benchmark has left.
  await endStack(stack, progress);
  try {
    const bench = await setUp(options);
    const { postgres, ...endpoints } = bench.endpoints;
    const spark = await stack.spark({
      featureSet: "customer",
      topic: bench.topic,
      continuous: true,
      mode: "micro-batch",
      conf: {},
    });
    const document: BenchDocument = {
      version: 1,
      started: started.toISOString(),
      seconds: 0,
      complete: false,
      machine: about,
      versions: await versions({ ...endpoints, postgres }, spark),
      settings: settingsOf(plan, spark),
      seed: plan.seed,
      parts: {},
    };
    for (const part of plan.parts) {
      bench.refuseInterrupted();
      document.parts = { ...document.parts, [part]: await MEASURE[part](bench) };
      document.seconds = rounded((performance.now() - begun) / 1000);
      await onPart(document);
    }
    const done = { ...document, complete: true };
    await onPart(done);
    return done;
  } catch (error) {
    throw keep ? error : await withLogs(error, stack, options.logs);
  } finally {
    if (keep)
      progress.note(
        `The benchmark's servers go on; the next bench, or \`CDC_FEATURES_HOME=${stack.stateDir} cdc-features down --purge\`, ends them.`,
      );
    else {
      if (signal.aborted) progress.note("Ending the benchmark's servers …");
      await endStack(stack, progress);
    }
  }
}

async function setUp(options: BenchOptions): Promise<Workbench> {
  const { plan, stack, progress, signal, sets } = options;
  const up = await stack.up(progress, { newPorts: false });
  // Its rows are the benchmark's own.
  await stack.remember({ demoData: "declined" });
  const endpoints = { ...up, postgres: up.postgres as string };
  return new Workbench({
    ...{ plan, stack, endpoints, progress, signal, sets },
    requestOf: options.requestOf(endpoints),
    storage: await stack.storage(),
    orders: new Orders(),
    ways: plan.ways.map(wayNamed),
  });
}

/** The error as it is, but for where the logs are now. */
async function withLogs(error: unknown, stack: Stack, folder: string): Promise<unknown> {
  if (!(error instanceof JobError)) return error;
  await mkdir(folder, { recursive: true });
  let hint = error.hint ?? "";
  for (const { featureSet, folder: run } of await runFolders(stack.stateDir)) {
    const kept = path.join(folder, `${featureSet}.log`);
    if (existsSync(run.log)) await copyFile(run.log, kept);
    hint = hint.replaceAll(run.log, kept);
  }
  return new JobError(error.message, { hint, cause: error });
}

async function endStack(stack: Stack, progress: Progress): Promise<void> {
  const folders = await runFolders(stack.stateDir);
  await Promise.all(folders.map(({ folder }) => stopJob(folder, () => stack.storage())));
  await stack.down(progress, { purge: true });
}

function settingsOf(
  plan: BenchPlan,
  { master, conf }: { master: string; conf: Record<string, string> },
): BenchDocument["settings"] {
  const { seed: _, ...settings } = plan;
  // Paths of this machine say nothing of speed.
  const telling = Object.entries(conf).filter(([, value]) => !value.includes("/"));
  return { ...settings, sparkMaster: master, sparkConf: Object.fromEntries(telling) };
}
