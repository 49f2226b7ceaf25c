/** The file that tells a job what it is to do: its only argument. */
import path from "node:path";
import { featuresTopicOf } from "../definition/feature-set.ts";
import { kafkaClientProperties } from "../platform/kafka-properties.ts";
import { below } from "../platform/storage.ts";
import { remotePlacesOf } from "./remote-job.ts";
import type { RunRequest } from "./run.ts";
import { checkpointOf } from "./run-folder.ts";

/** Of a run what its job is told. */
type Told = Omit<RunRequest, "prepare" | "signal" | "onEvent"> & {
  /** Tells a run from others of the set. */
  runId: string;
};

/** What spark-jobs/cdc_features/settings.py reads. */
export function settingsOf(request: Told): Record<string, unknown> {
  const { kafka, redis, featureSet, storage, spark } = request;
  const { places } = storage;
  const remote = remotePlacesOf(spark.driver, places, featureSet);
  return {
    kafka: kafka.brokers,
    kafka_options: kafkaClientProperties(kafka),
    topic_prefix: request.topicPrefix,
    redis: {
      url: redis.url,
      nodes: redis.nodes ?? [],
      cluster: redis.cluster ?? false,
      ca: redis.ca ?? null,
    },
    offline_root: places.offline,
    checkpoint: below(places.checkpoints, featureSet, request.checkpoint ?? checkpointOf(request)),
    sink: request.sink,
    mode: request.mode,
    features_topic: request.mode === "realtime" ? featuresTopicOf(featureSet, request.topicPrefix) : null,
    realtime_batch: request.realtimeBatch,
    continuous: request.continuous,
    trigger_interval: request.trigger,
    nothing_to_read: request.beginsWithoutSpark ?? false,
    on_fail: request.onFail,
    max_batch_records: request.batchRecords ?? spark.batchRecords,
    run_id: request.runId,
    stop_file: remote?.stop ?? stopFileOf(request),
    report: remote?.report ?? null,
    plan: request.plan ?? null,
    dead_letters: places.deadLetters,
    backfill: request.backfill ?? null,
  };
}

/** As a job that is heard names it. */
function stopFileOf({ spark: { driver }, folder }: Told): string {
  return driver.kind === "container"
    ? path.posix.join(driver.inbox, path.basename(folder.stop))
    : folder.stop;
}
