/** The file that tells a job what it is to do: its only argument. */
import path from "node:path";
import { kafkaClientProperties } from "../platform/kafka-properties.ts";
import { below } from "../platform/storage.ts";
import type { RunRequest } from "./run.ts";

/** Of a run what its job is told. */
type Told = Omit<RunRequest, "prepare" | "signal" | "onEvent">;

/** Of a continuous run: how long changes are gathered before they are computed. */
const TRIGGER_INTERVAL = "1 second";

/** What spark-jobs/cdc_features/settings.py reads. */
export function settingsOf(request: Told): Record<string, unknown> {
  const { kafka, redis, featureSet, storage } = request;
  const { places } = storage;
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
    // A checkpoint belongs to one sink: what a run wrote to Redis alone must still reach Parquet when both are asked for.
    checkpoint: below(places.checkpoints, featureSet, request.sink),
    sink: request.sink,
    in_step: request.inStep,
    continuous: request.continuous,
    trigger_interval: TRIGGER_INTERVAL,
    stop_file: stopFileOf(request),
    report: reportOf(request) ?? null,
    plan: request.plan ?? null,
    dead_letters: places.deadLetters,
  };
}

/** As the job names it. */
export function stopFileOf({ spark: { driver }, folder, storage: { places }, featureSet }: Told): string {
  if (driver.kind === "local") return folder.stop;
  if (driver.kind === "container") return path.posix.join(driver.inbox, path.basename(folder.stop));
  return below(places.checkpoints, featureSet, "stop");
}

/** Where a job writes what it says, when this command does not hear it. */
export function reportOf({ spark: { driver }, storage: { places }, featureSet }: Told): string | undefined {
  const isHeard = driver.kind === "local" || driver.kind === "container";
  return isHeard ? undefined : below(places.checkpoints, featureSet, "report.json");
}
