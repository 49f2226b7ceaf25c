/** Spark processes that are measured: runs of feature sets, and scripts of `bench/`. */
import { mkdir } from "node:fs/promises";
import path from "node:path";
import { writeFileAtomic } from "../platform/files.ts";
import { PACKAGE_ROOT } from "../stack/home.ts";
import type { JobEvent } from "../submit/job-events.ts";
import { rememberCheckpoint, rememberPlan } from "../submit/plan.ts";
import { runJob, runningJob, submit } from "../submit/run.ts";
import { type RunFolder, runFolder } from "../submit/run-folder.ts";
import type { JobMeasure } from "./document.ts";
import { rounded } from "./statistics.ts";
import { watchUsage } from "./usage.ts";
import type { Place, ShippedSet, Workbench } from "./workbench.ts";

/** What makes runs of this tool faster, and is in no tutorial. */
const OWN_SETTINGS = [
  "spark.driver.extraJavaOptions",
  "spark.hadoop.fs.AbstractFileSystem.file.impl",
  "spark.hadoop.fs.file.impl",
  "spark.sql.shuffle.partitions",
];

export interface JobOptions {
  continuous?: boolean;
  /** Ends a job that goes on by itself; such a one resolves then. */
  signal?: AbortSignal;
  onEvent?(event: JobEvent): void;
}

/** A run of a feature set, as `run` does it. Throws as `runJob` does. */
export async function measureRun(
  bench: Workbench,
  set: ShippedSet,
  place: Place,
  { continuous = false, signal = bench.signal, onEvent }: JobOptions = {},
): Promise<JobMeasure> {
  bench.refuseInterrupted();
  const { stateDir } = bench.stack;
  const featureSet = bench.sets[set];
  const request = await bench.requestOf(set, place, { continuous });
  // A batch's progress tells its records, and how many they were per second.
  let querySeconds = 0;
  return measured(request.folder, request.spark, async (clock) => {
    const finished = await runJob({
      ...request,
      prepare: () => rememberPlan(stateDir, featureSet),
      signal,
      onEvent: (event) => {
        if (event.event === "started") {
          clock.sessionIsUp();
          rememberCheckpoint(stateDir, featureSet.name, request.sink);
        }
        // So slow that it was rounded to nothing: nobody asks for the seconds of such a run.
        if (event.event === "progress" && event.rows_per_second > 0)
          querySeconds += event.read / event.rows_per_second;
        if (event.event === "finished") clock.workIsDone();
        onEvent?.(event);
      },
    });
    const state = finished.state_rows > 0 ? { rows: finished.state_rows, bytes: finished.state_bytes } : null;
    return { records: finished.read, batches: finished.batches, querySeconds, state };
  });
}

export interface ScriptOptions extends JobOptions {
  /** Spark's own settings instead of those of a run. */
  bare?: boolean;
  conf?: Record<string, string>;
  topic?: string;
}

/** A script of `bench/` on the same Spark, with the same memory. `conf` goes over what the stack gives a run. */
export async function measureScript(
  bench: Workbench,
  name: string,
  script: string,
  settings: Record<string, unknown>,
  { bare = false, conf = {}, ...options }: ScriptOptions = {},
): Promise<JobMeasure> {
  bench.refuseInterrupted();
  const { continuous = false, signal = bench.signal, onEvent, topic = bench.topic } = options;
  const folder = {
    ...runFolder(bench.stack.stateDir, name),
    script: path.join(PACKAGE_ROOT, "bench", script),
  };
  await mkdir(folder.folder, { recursive: true });
  const given = await bench.stack.spark({
    featureSet: name,
    topic,
    continuous,
    mode: "micro-batch",
    conf,
  });
  const spark = bare ? { ...given, conf: { ...omit(given.conf, OWN_SETTINGS), ...conf } } : given;
  const told = { ...settings, stop_file: folder.stop, max_batch_records: spark.batchRecords };
  await writeFileAtomic(folder.settings, JSON.stringify(told, null, 2), 0o600);
  return measured(folder, spark, async (clock) => {
    const { records, seconds, batches } = await submit(
      {
        featureSet: name,
        folder,
        pythonPath: path.join(PACKAGE_ROOT, "spark-jobs"),
        // Python tells times without a zone in the machine's own.
        spark: { ...spark, env: { ...spark.env, TZ: "UTC" } },
        signal,
        onEvent: (event) => {
          if (event.event === "started") clock.sessionIsUp();
          if (event.event === "measured") clock.workIsDone();
          onEvent?.(event);
        },
      },
      "measured",
    );
    if (!continuous) bench.refuseInterrupted();
    return { records, batches, querySeconds: seconds, state: null };
  });
}

interface Clock {
  sessionIsUp(): void;
  workIsDone(): void;
}

async function measured(
  folder: RunFolder,
  { conf }: { conf: Record<string, string> },
  work: (clock: Clock) => Promise<Pick<JobMeasure, "records" | "batches" | "querySeconds" | "state">>,
): Promise<JobMeasure> {
  const called = performance.now();
  let [up, done] = [called, called];
  const usage = watchUsage(async () => (await runningJob(folder))?.pid);
  try {
    const told = await work({
      sessionIsUp: () => {
        up = performance.now();
      },
      workIsDone: () => {
        done = performance.now();
      },
    });
    return {
      ...told,
      querySeconds: rounded(told.querySeconds),
      jobSeconds: rounded((done - up) / 1000),
      processSeconds: rounded((performance.now() - called) / 1000),
      jvmOptions: withoutPaths(conf["spark.driver.extraJavaOptions"] ?? ""),
      usage: usage.end() ?? null,
    };
  } finally {
    usage.end();
  }
}

function omit(conf: Record<string, string>, names: readonly string[]): Record<string, string> {
  return Object.fromEntries(Object.entries(conf).filter(([name]) => !names.includes(name)));
}

/** Those of this machine say nothing of speed. */
function withoutPaths(options: string): string {
  return options
    .split(" ")
    .filter((option) => !option.includes("/"))
    .join(" ");
}
