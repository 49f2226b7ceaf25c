/** Whether both stores hold what they should: log or table and stores gathered by entity, then compared one by one. */
import { tmpdir } from "node:os";
import type { FeatureSet } from "../definition/feature-set.ts";
import { manifestsOf } from "../stores/manifests.ts";
import { type OfflineFiles, readOfflineStore } from "../stores/offline.ts";
import { scanOnlineStore } from "../stores/online.ts";
import { chainOf, checkBatches } from "./batches.ts";
import { Explainer } from "./because.ts";
import { type Findings, markStale, Scope, type StoredRow } from "./compare.ts";
import { compareCompanion } from "./compare-companion.ts";
import { compareOffline } from "./compare-offline.ts";
import { compareOnline } from "./compare-online.ts";
import type { Difference } from "./difference.ts";
import { EntitySpool, type Gathered } from "./entity-spool.ts";
import { type EntityExpectation, Expecter } from "./expectation.ts";
import { History, type LogFacts } from "./history.ts";
import { readLog } from "./log.ts";
import { readSource } from "./source.ts";
import { type Truth, truthOfLog, truthOfSource } from "./truth.ts";

type Sink = "dual" | "redis" | "parquet";

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
  /** When the values have to be right; once all was read, when not given. */
  now?: Date;
  /** Which stores the job writes; both when not given. */
  sink?: Sink;
  /** Both stores were always written together, so that they have the same versions; true when not given. */
  inStep?: boolean;
  /** A folder for what does not fit in memory; the system's own when not given. */
  scratch?: string;
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

export function reportOf(featureSets: FeatureSetReport[]): VerifyReport {
  return { ok: featureSets.every(({ differences }) => differences.length === 0), featureSets };
}

/** Throws EnvironmentError when a server cannot be reached or the topic or table is not there. */
export async function verifyFeatureSet(
  featureSet: FeatureSet,
  options: VerifyOptions,
): Promise<FeatureSetReport> {
  const scratch = options.scratch ?? tmpdir();
  using spool = new EntitySpool(featureSet, scratch);
  // The stores first: what comes into the log meanwhile is then not applied yet, never something that was lost.
  const { offlineRoot, redisUrl } = options;
  const [offline] = await Promise.all([
    readOfflineStore(featureSet, { offlineRoot, scratch }, (row) => spool.row(row)),
    scanOnlineStore(featureSet, redisUrl, (entry) => spool.hash(entry)),
  ]);
  const now = options.now ?? new Date();
  const chain = chainOf(manifestsOf(offline.manifests));
  const truth =
    options.against === "log"
      ? truthOfLog(chain, await readLog(featureSet, chain, options, spool))
      : truthOfSource(featureSet, chain, await readSource(featureSet, options.postgresUrl, now, spool));
  return compareAll(featureSet, spool.entities(), truth, offline, { ...options, now });
}

export function compareAll(
  featureSet: FeatureSet,
  entities: Iterable<Gathered>,
  truth: Truth,
  offline: OfflineFiles,
  { now, sink = "dual", inStep = true }: Pick<VerifyOptions, "sink" | "inStep"> & { now: Date },
): FeatureSetReport {
  const micros = BigInt(now.getTime()) * 1000n;
  const scope = new Scope(featureSet, { now: micros, inStep: inStep && sink === "dual" });
  const verifier = new Verifier(featureSet, truth, { scope, sink });
  for (const gathered of entities) verifier.verify(gathered);
  const ofFiles = sink === "redis" ? [] : checkBatches(offline, truth.lowOffsets);
  return { ...verifier.counts, differences: [...verifier.differences(), ...ofFiles] };
}

/** Compares one entity after the other, and adds up what it finds. */
class Verifier {
  readonly counts: Omit<FeatureSetReport, "differences">;
  readonly #truth: Truth;
  readonly #scope: Scope;
  readonly #sink: Sink;
  readonly #expecter: Expecter;
  readonly #history: History;
  readonly #applied: History;
  readonly #explainer: Explainer;
  readonly #first: { gathered: Gathered; differences: Difference[] }[] = [];
  readonly #others: Difference[] = [];

  constructor(featureSet: FeatureSet, truth: Truth, { scope, sink }: { scope: Scope; sink: Sink }) {
    this.#truth = truth;
    this.#scope = scope;
    this.#sink = sink;
    this.#expecter = new Expecter(featureSet);
    this.#history = new History(featureSet, truth.now);
    this.#applied = new History(featureSet, truth.applied);
    this.#explainer = new Explainer(scope, {
      expecter: this.#expecter,
      history: this.#history,
      log: truth,
    });
    const { name } = featureSet;
    this.counts = { name, expected: 0, online: 0, offline: 0, checkedValues: 0 };
  }

  verify(gathered: Gathered): void {
    const { now, applied, appliedBatches } = this.#truth;
    const { elements } = gathered;
    const expectation = this.#expecter.expect(this.#history.slots(elements), now.watermark);
    const findings = this.#compare(gathered, expectation, now);
    this.#count(gathered, expectation);
    const differences = findings.flatMap((one) => one.differences);
    for (const { checkedValues } of findings) this.counts.checkedValues += checkedValues;
    if (differences.length === 0) return;
    const known = elements.filter(({ batch }) => batch < appliedBatches);
    const then = this.#expecter.expect(this.#applied.slots(known), applied.watermark);
    const atApplied = this.#compare(gathered, then, applied).flatMap((one) => one.differences);
    this.#report(gathered, markStale(differences, atApplied));
  }

  /** All differences, by entity; those of the first entities with the events that they come from. */
  differences(): Difference[] {
    const explained = this.#first.flatMap(({ gathered, differences }) =>
      this.#explainer.explain(gathered, differences),
    );
    return [...explained, ...this.#others].sort(byEntity);
  }

  /** What the events are takes long to find out, and nobody reads it for thousands of entities. */
  #report(gathered: Gathered, differences: Difference[]): void {
    this.#first.push({ gathered, differences });
    if (this.#first.length <= EXPLAINED_ENTITIES) return;
    this.#first.sort((a, b) => byEntity(a.gathered, b.gathered));
    this.#others.push(...(this.#first.pop()?.differences ?? []));
  }

  #compare(gathered: Gathered, expectation: EntityExpectation, { watermark }: LogFacts): Findings[] {
    const isKept = (slot: number) => this.#expecter.isKept(slot, watermark);
    const isCovered = (slot: number) => this.#truth.covers === "all windows" || isKept(slot) === true;
    const findings: Findings[] = [];
    if (this.#sink !== "parquet" && gathered.entity !== null) {
      findings.push(compareOnline(this.#scope, expectation, gathered));
      findings.push(compareCompanion(this.#scope, expectation, gathered, isKept));
    }
    if (this.#sink !== "redis") {
      findings.push(compareOffline(this.#scope, expectation, gathered, isCovered));
    }
    return findings;
  }

  #count({ features, rows }: Gathered, expectation: EntityExpectation): void {
    const isLive = ({ isDeleted, slot }: StoredRow): boolean =>
      isDeleted === false &&
      slot !== null &&
      this.#expecter.isKept(slot, this.#truth.now.watermark) !== false;
    if (expectation.served(this.#scope.now) !== undefined) this.counts.expected += 1;
    if (features !== undefined) this.counts.online += 1;
    if (rows.some(isLive)) this.counts.offline += 1;
  }
}

const EXPLAINED_ENTITIES = 20;

const byText = new Intl.Collator("en", { numeric: true });

/** Numbers by value; within an entity as they were found. */
function byEntity(a: { entity: string | null }, b: { entity: string | null }): number {
  return byText.compare(a.entity ?? "", b.entity ?? "");
}
