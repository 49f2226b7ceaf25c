/** Whether both stores hold what they should: expectation, stores, comparison. */
import type { FeatureSet } from "../definition/feature-set.ts";
import { manifestsOf } from "../stores/manifests.ts";
import { type OfflineStore, readOfflineStore } from "../stores/offline.ts";
import { type OnlineStore, readOnlineStore } from "../stores/online.ts";
import { chainOf, checkBatches } from "./batches.ts";
import { type Comparison, markStale } from "./compare.ts";
import { compareOffline, newestBatchOf, rowsByWindow } from "./compare-offline.ts";
import { compareOnline } from "./compare-online.ts";
import { compareWindows } from "./compare-windows.ts";
import type { Difference } from "./difference.ts";
import { type Expectation, isKept, servedWindow } from "./expectation.ts";
import { expectFromLog } from "./log.ts";
import { expectFromSource } from "./source.ts";

export interface VerifyOptions {
  /** The change log in Kafka, or the table in Postgres. */
  against: "log" | "source";
  /** host:port list of the brokers; only read against the log. */
  kafka: string;
  topicPrefix: string;
  redisUrl: string;
  offlineRoot: string;
  /** Only read against the source. */
  postgresUrl: string;
  /** When the values have to be right; once the stores were read, when not given. */
  now?: Date;
  /** Which stores the job writes; both when not given. */
  sink?: "dual" | "redis" | "parquet";
  /** Both stores were always written together, so that they have the same versions; true when not given. */
  inStep?: boolean;
}

export interface FeatureSetReport {
  name: string;
  /** Entities with rows in a kept window: as they should be, in Redis, and in Parquet. */
  expected: number;
  online: number;
  offline: number;
  checkedValues: number;
  differences: Difference[];
}

export interface VerifyReport {
  ok: boolean;
  featureSets: FeatureSetReport[];
}

/** Throws EnvironmentError when a server cannot be reached or the topic or table is not there. */
export async function verifyFeatureSet(
  featureSet: FeatureSet,
  options: VerifyOptions,
): Promise<FeatureSetReport> {
  const stores = {
    offline: await readOfflineStore(featureSet, options.offlineRoot),
    online: await readOnlineStore(featureSet, options.redisUrl),
  };
  const now = options.now ?? new Date();
  const expected = await expect(featureSet, stores.offline, options);
  return compareStores(featureSet, expected, stores, { ...options, now });
}

export interface Stores {
  online: OnlineStore;
  offline: OfflineStore;
}

export interface Expected {
  now: Expectation;
  /** At the offsets that the job has come to; the same object when it has come to the end. */
  applied: Expectation;
  /** The first offsets still in the log, where that is known. */
  lowOffsets: Map<number, number> | undefined;
}

export function compareStores(
  featureSet: FeatureSet,
  { now: expectation, applied, lowOffsets }: Expected,
  { online, offline }: Stores,
  { now: time, sink = "dual", inStep = true }: Pick<VerifyOptions, "sink" | "inStep"> & { now: Date },
): FeatureSetReport {
  const now = BigInt(time.getTime()) * 1000n;
  const rows = rowsByWindow(offline);
  const comparisons: Comparison[] = [];
  if (sink !== "parquet") {
    const newestBatch = sink === "dual" && inStep ? newestBatchOf(rows) : undefined;
    const features = (to: Expectation) => compareOnline(featureSet, to, online, { now, newestBatch });
    const windows = (to: Expectation) => compareWindows(featureSet, to, online, { now, newestBatch });
    comparisons.push(withStale(features, expectation, applied), withStale(windows, expectation, applied));
  }
  if (sink !== "redis") {
    const compare = (to: Expectation) => compareOffline(featureSet, to, rows, now);
    comparisons.push(withStale(compare, expectation, applied));
    comparisons.push({ differences: checkBatches(offline, lowOffsets), checkedValues: 0 });
  }
  const isServed = (entity: string) => servedWindow(featureSet, expectation, entity) !== undefined;
  return {
    name: featureSet.name,
    expected: [...expectation.entities.keys()].filter(isServed).length,
    online: online.features.size,
    offline: liveEntities(featureSet, offline, expectation).size,
    checkedValues: comparisons.reduce((total, { checkedValues }) => total + checkedValues, 0),
    differences: comparisons.flatMap(({ differences }) => differences),
  };
}

export function reportOf(featureSets: FeatureSetReport[]): VerifyReport {
  return { ok: featureSets.every(({ differences }) => differences.length === 0), featureSets };
}

async function expect(
  featureSet: FeatureSet,
  offline: OfflineStore,
  options: VerifyOptions,
): Promise<Expected> {
  const chain = chainOf(manifestsOf(offline.manifests));
  if (options.against === "log") return expectFromLog(featureSet, chain, options);
  const watermarkMs = chain.at(-1)?.watermark_ms ?? 0;
  const now = await expectFromSource(featureSet, { postgresUrl: options.postgresUrl, watermarkMs });
  return { now, applied: now, lowOffsets: undefined };
}

function withStale(
  compare: (to: Expectation) => Comparison,
  now: Expectation,
  applied: Expectation,
): Comparison {
  const comparison = compare(now);
  if (applied === now || comparison.differences.length === 0) return comparison;
  return { ...comparison, differences: markStale(comparison.differences, compare(applied).differences) };
}

function liveEntities(
  featureSet: FeatureSet,
  { rows }: OfflineStore,
  { watermarkMs }: Expectation,
): Set<string | null> {
  const live = rows.filter(
    ({ isDeleted, windowStart }) =>
      isDeleted === false &&
      windowStart !== null &&
      isKept(featureSet, Number(windowStart / 1000n), watermarkMs),
  );
  return new Set(live.map(({ entity }) => entity));
}
