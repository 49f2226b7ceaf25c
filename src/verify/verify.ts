/** Whether both stores hold what they should: log or table and stores gathered by entity, then compared one by one. */
import { availableParallelism, tmpdir } from "node:os";
import type { FeatureSet } from "../definition/feature-set.ts";
import type { KafkaConnection, RedisConnection } from "../platform/connections.ts";
import type { SpoolPart } from "../platform/spool.ts";
import { messageOf, startThread } from "../platform/threads.ts";
import { type Manifest, manifestsOf } from "../stores/manifests.ts";
import { type OfflineFiles, readOfflineStore, readQuarantine, readRowsBefore } from "../stores/offline.ts";
import { scanOnlineStore } from "../stores/online.ts";
import { batchesAside, beginsOf, chainOf, checkBatches } from "./batches.ts";
import {
  type Compared,
  type Comparing,
  compareEntities,
  comparePart,
  inOne,
  type Sink,
  type ToCompare,
} from "./compare-entities.ts";
import { EntitySpool, type Gathered } from "./entity-spool.ts";
import { readLog } from "./log.ts";
import { readReferences } from "./references.ts";
import { readSource } from "./source.ts";
import { type Truth, truthOfLog, truthOfSource } from "./truth.ts";

export interface VerifyOptions {
  /** The change log in Kafka, or the table in Postgres. */
  against: "log" | "source";
  /** Only read against the log. */
  kafka: KafkaConnection;
  topicPrefix: string;
  redis: RedisConnection;
  offlineRoot: string;
  /** Only read against the source. */
  postgresUrl: string;
  /** When the values have to be right; once all was read, when not given. */
  now?: Date;
  /** Which stores the job writes; both when not given. */
  sink?: Sink;
  /** Both stores were always written together, so that they have the same versions; true when not given. */
  inStep?: boolean;
  /** Some batches were computed in real-time mode, in which Redis has each change before its batch is over; false when not given. */
  realtime?: boolean;
  /** A folder for what does not fit in memory; the system's own when not given. */
  scratch?: string;
  /** The features' values in Redis and nothing else, whoever wrote them; false when not given. */
  valuesOnly?: boolean;
}

export interface FeatureSetReport extends Compared {
  name: string;
}

export interface VerifyReport {
  ok: boolean;
  featureSets: FeatureSetReport[];
}

export function reportOf(featureSets: FeatureSetReport[]): VerifyReport {
  return { ok: featureSets.every(({ differences }) => differences.length === 0), featureSets };
}

const NO_FILES: OfflineFiles = { files: [], manifests: [], strangers: [] };

/** Throws EnvironmentError when a server cannot be reached or the topic or table is not there. */
export function verifyFeatureSet(featureSet: FeatureSet, options: VerifyOptions): Promise<FeatureSetReport> {
  return verifyBy(featureSet, options, async ({ chain, now, spool }) =>
    options.against === "log"
      ? truthOfLog(chain, await readLog(featureSet, chain, options, spool))
      : truthOfSource(featureSet, chain, await readSource(featureSet, options.postgresUrl, now, spool)),
  );
}

/** `readTruth` puts the elements of all entities into the spool. */
export async function verifyBy(
  featureSet: FeatureSet,
  options: Omit<VerifyOptions, "kafka" | "topicPrefix" | "postgresUrl">,
  readTruth: (reading: { chain: Manifest[]; now: Date; spool: EntitySpool }) => Promise<Truth>,
): Promise<FeatureSetReport> {
  const scratch = options.scratch ?? tmpdir();
  using spool = new EntitySpool(featureSet, scratch);
  // The stores first: what comes into the log meanwhile is then not applied yet, never something that was lost.
  const { offlineRoot, redis, valuesOnly = false } = options;
  const [offline] = await Promise.all([
    valuesOnly ? NO_FILES : readOfflineStore(featureSet, { offlineRoot, scratch }, (row) => spool.row(row)),
    scanOnlineStore(featureSet, redis, (entry) => spool.hash(entry)),
  ]);
  const validated = valuesOnly
    ? undefined
    : await readValidation(featureSet, offline, { offlineRoot, scratch, spool });
  const now = options.now ?? new Date();
  const manifests = manifestsOf(offline.manifests);
  const chain = chainOf(manifests);
  const truth = await readTruth({ chain, now, spool });
  const { sink = "dual", inStep = true, realtime = false } = options;
  const begins = realtime ? beginsOf(manifests) : undefined;
  const knowsBatches = options.against === "log";
  const validation = validated && {
    batches: chain.map(({ batch_id }) => batch_id),
    references: validated.references,
    knowsBatches,
  };
  const comparing: Comparing = {
    featureSet,
    truth,
    now,
    sink,
    inStep,
    begins,
    validation,
    aside: knowsBatches ? batchesAside(offline.manifests, chain) : new Map(),
    valuesOnly,
  };
  const report = spool.isLarge
    ? reportWith(comparing, await compareInThreads(comparing, spool.parts(THREADS)), offline)
    : compareAll(comparing, spool.entities(), offline);
  if (validated === undefined || validated.differences.length === 0) return report;
  return { ...report, differences: [...report.differences, ...validated.differences] };
}

/** What is in quarantine, and what rules need beside a row; undefined without rules and quarantine. */
async function readValidation(
  featureSet: FeatureSet,
  offline: OfflineFiles,
  { offlineRoot, scratch, spool }: { offlineRoot: string; scratch: string; spool: EntitySpool },
) {
  let isHeld = false;
  await readQuarantine(featureSet, { offlineRoot, scratch }, (row) => {
    isHeld = true;
    spool.held(row);
  });
  if (featureSet.validation.length === 0 && !isHeld) return undefined;
  if (featureSet.validation.some(({ check }) => check === "sudden_change"))
    await readRowsBefore(featureSet, { offlineRoot, scratch, files: offline.files }, (row) =>
      spool.before(row),
    );
  return readReferences(featureSet, { offlineRoot, scratch, ...offline });
}

const THREADS = Math.min(availableParallelism(), 4);

/** A part of the entities in this thread, and each of the others in one of its own. */
export async function compareInThreads(comparing: Comparing, parts: SpoolPart[]): Promise<Compared> {
  const [own, ...others] = parts as [SpoolPart, ...SpoolPart[]];
  const module = new URL("./compare-thread.ts", import.meta.url);
  const threads = others.map((part) => startThread(module, { comparing, part } satisfies ToCompare));
  const theirs = Promise.all(threads.map((thread) => messageOf<Compared>(thread)));
  theirs.catch(() => {}); // it is told below, unless this thread fails before
  try {
    return inOne([comparePart({ comparing, part: own }), ...(await theirs)]);
  } finally {
    for (const thread of threads) await thread.terminate();
  }
}

/** Entities against what is true of them, and the files of the offline store. */
export function compareAll(
  comparing: Comparing,
  entities: Iterable<Gathered>,
  offline: OfflineFiles,
): FeatureSetReport {
  return reportWith(comparing, compareEntities(comparing, entities), offline);
}

function reportWith(
  { featureSet, truth, sink }: Comparing,
  compared: Compared,
  offline: OfflineFiles,
): FeatureSetReport {
  const ofFiles = sink === "redis" ? [] : checkBatches(offline, truth.lowOffsets);
  return { name: featureSet.name, ...compared, differences: [...compared.differences, ...ofFiles] };
}
