/** What a run hands to spark-submit, whether it is then called or only shown. */
import path from "node:path";
import { topicOf } from "../definition/feature-set.ts";
import type { Mode } from "../definition/mode.ts";
import type { Storage } from "../platform/storage.ts";
import { provenanceOf, writeJob } from "../render/write-job.ts";
import { PACKAGE_ROOT } from "../stack/home.ts";
import type { Endpoints, Stack } from "../stack/stack.ts";
import { planOf } from "../submit/plan.ts";
import { runFolder, type Sink } from "../submit/run-folder.ts";
import type { Target } from "./context.ts";
import type { Definition } from "./definitions.ts";
import { modeOf } from "./mode.ts";

export interface SubmissionOptions extends Target {
  continuous?: boolean;
  trigger: string;
  /** Over the definition's. */
  mode?: Mode;
  realtimeBatch: string;
  batchRecords?: number;
  sink: Sink;
  onFail?: "fail" | "quarantine";
  /** Settings of Spark, over those of the target. */
  conf?: Record<string, string>;
}

/** Writes the job into its run's folder. */
export async function submissionOf(
  definition: Definition,
  options: SubmissionOptions,
  {
    stack,
    endpoints,
    storage,
  }: {
    stack: Pick<Stack, "target" | "modes" | "stateDir" | "topicPrefix" | "spark">;
    endpoints: Endpoints;
    storage: Storage;
  },
) {
  const { featureSet, file, text, project } = definition;
  const {
    sink,
    conf = {},
    trigger,
    realtimeBatch,
    batchRecords,
    continuous = false,
    onFail = "fail",
  } = options;
  const { name } = featureSet;
  const mode = modeOf(definition, options, stack);
  const folder = runFolder(stack.stateDir, name);
  await writeJob({ ...featureSet, mode }, provenanceOf(file, text, project), folder.folder);
  const topic = topicOf(featureSet.source, stack.topicPrefix);
  const spark = await stack.spark({ featureSet: name, topic, continuous, mode, conf });
  const { kafka, redis } = spark.servers ?? endpoints;
  return {
    featureSet: name,
    folder,
    pythonPath: path.join(PACKAGE_ROOT, "spark-jobs"),
    spark,
    kafka,
    redis,
    topicPrefix: stack.topicPrefix,
    topic,
    storage,
    plan: planOf(featureSet),
    sink,
    continuous,
    trigger,
    mode,
    realtimeBatch,
    onFail,
    ...(batchRecords !== undefined && { batchRecords }),
  };
}
