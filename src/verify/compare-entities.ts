/** Entities with what the stores hold of them, compared one by one. */
import type { FeatureSet } from "../definition/feature-set.ts";
import { partitionsOf, type SpoolPart } from "../platform/spool.ts";
import type { BatchAside } from "./batches.ts";
import { Explainer } from "./because.ts";
import { type Findings, markStale, Scope, type StoredRow } from "./compare.ts";
import { compareCompanion } from "./compare-companion.ts";
import { compareOffline } from "./compare-offline.ts";
import { compareOnline } from "./compare-online.ts";
import { compareValues } from "./compare-values.ts";
import type { Difference } from "./difference.ts";
import { type Gathered, Gatherer } from "./entity-spool.ts";
import { type EntityExpectation, Expecter } from "./expectation.ts";
import { History, type LogFacts } from "./history.ts";
import { withBatchesAside } from "./past-windows.ts";
import { type Validation, Validator } from "./quarantine.ts";
import type { Truth } from "./truth.ts";

/** Which stores the job writes. */
export type Sink = "dual" | "redis" | "parquet";

/** What holds for all entities of a set; plain data, for other threads. */
export interface Comparing {
  featureSet: FeatureSet;
  truth: Truth;
  /** When the values have to be right. */
  now: Date;
  sink: Sink;
  /** Both stores were always written together, so that they have the same versions. */
  inStep: boolean;
  /** Where each batch begins, if some of them were computed in real-time mode. */
  begins?: ReadonlyMap<number, number> | undefined;
  /** Left out where there are neither rules nor a quarantine. */
  validation?: Validation | undefined;
  /** Of the log; what a table says of the past is what it says of all. */
  aside?: ReadonlyMap<bigint, BatchAside[]>;
  /** The features' values in Redis and nothing else. */
  valuesOnly?: boolean;
}

export interface Compared {
  /** Entities with rows in a kept window: as they should be, in Redis, and in Parquet. */
  expected: number;
  online: number;
  offline: number;
  checkedValues: number;
  /** By entity. */
  differences: Difference[];
}

export function compareEntities(comparing: Comparing, entities: Iterable<Gathered>): Compared {
  const verifier = new Verifier(comparing);
  for (const gathered of entities) verifier.verify(gathered);
  return { ...verifier.counts, differences: verifier.differences() };
}

export interface ToCompare {
  comparing: Comparing;
  part: SpoolPart;
}

/** What one of several threads does. */
export function comparePart({ comparing, part }: ToCompare): Compared {
  return compareEntities(comparing, new Gatherer(comparing.featureSet).entities(partitionsOf(part)));
}

/** Of several threads. */
export function inOne(all: Compared[]): Compared {
  const sum = (count: (one: Compared) => number) => all.reduce((total, one) => total + count(one), 0);
  return {
    expected: sum(({ expected }) => expected),
    online: sum(({ online }) => online),
    offline: sum(({ offline }) => offline),
    checkedValues: sum(({ checkedValues }) => checkedValues),
    differences: all.flatMap(({ differences }) => differences).sort(byEntity),
  };
}

/** Compares one entity after the other, and adds up what it finds. */
class Verifier {
  readonly counts: Omit<Compared, "differences"> = { expected: 0, online: 0, offline: 0, checkedValues: 0 };
  readonly #truth: Truth;
  readonly #scope: Scope;
  readonly #sink: Sink;
  readonly #expecter: Expecter;
  readonly #history: History;
  readonly #applied: History;
  readonly #explainer: Explainer;
  readonly #validator: Validator | undefined;
  readonly #aside: ReadonlyMap<bigint, BatchAside[]>;
  readonly #first: { gathered: Gathered; differences: Difference[] }[] = [];
  readonly #others: Difference[] = [];

  constructor({
    featureSet,
    truth,
    now,
    sink,
    inStep,
    begins,
    validation,
    aside = new Map(),
    valuesOnly,
  }: Comparing) {
    this.#truth = truth;
    this.#scope = new Scope(featureSet, {
      now: BigInt(now.getTime()) * 1000n,
      inStep: inStep && sink === "dual",
      begins,
      valuesOnly,
    });
    this.#sink = sink;
    this.#expecter = new Expecter(featureSet);
    this.#validator = validation && new Validator(this.#scope, this.#expecter, validation, sink === "redis");
    this.#aside = aside;
    this.#history = new History(featureSet, truth.now);
    this.#applied = new History(featureSet, truth.applied);
    this.#explainer = new Explainer(this.#scope, {
      expecter: this.#expecter,
      history: this.#applied,
      log: truth,
    });
  }

  verify(gathered: Gathered): void {
    const { now, applied, appliedBatches } = this.#truth;
    const { elements } = gathered;
    const expectation = this.#expecter.expect(this.#history.slots(elements), now.watermark);
    const { findings, shouldBe } = this.#compare(gathered, expectation, now);
    this.#count(gathered, shouldBe);
    const differences = findings.flatMap((one) => one.differences);
    for (const { checkedValues } of findings) this.counts.checkedValues += checkedValues;
    if (differences.length === 0) return;
    const known = elements.filter(({ batch }) => batch < appliedBatches);
    const then = this.#expecter.expect(this.#applied.slots(known), applied.watermark);
    const atApplied = this.#compare(gathered, then, applied).findings.flatMap((one) => one.differences);
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

  /** `streamed` is what would be there without rules of validation, and by the chain's batches alone. */
  #compare(gathered: Gathered, streamed: EntityExpectation, facts: LogFacts) {
    if (this.#scope.valuesOnly)
      return { findings: [compareValues(this.#scope, streamed, gathered)], shouldBe: streamed };
    const isNow = facts === this.#truth.now;
    const pastOf = (rows: readonly StoredRow[]) =>
      withBatchesAside(this.#aside, { rows, elements: gathered.elements }, streamed, {
        expecter: this.#expecter,
        history: isNow ? this.#history : this.#applied,
        isNow,
      });
    const past = pastOf(gathered.rows);
    const isKept = (slot: number) => this.#expecter.isKept(slot, facts.watermark);
    const truthCovers = (slot: number) => this.#truth.covers === "all windows" || isKept(slot) === true;
    const validated = this.#validator?.validate(gathered, facts, {
      past,
      pastOfHeld: pastOf(gathered.held),
      isCovered: truthCovers,
    });
    const shouldBe = validated?.expectation ?? past.expectation;
    const unknown = new Set([...(validated?.unknown ?? []), ...past.unknown]);
    const isCovered = (slot: number) => truthCovers(slot) && !unknown.has(slot);
    const findings: Findings[] = validated === undefined ? [] : [validated.findings];
    // The table does not tell what was served before, nor the log what only files know.
    if (unknown.size === 0 && this.#sink !== "parquet" && gathered.entity !== null) {
      findings.push(compareOnline(this.#scope, shouldBe, gathered));
      findings.push(compareCompanion(this.#scope, shouldBe, gathered, isKept));
    }
    if (this.#sink !== "redis") {
      findings.push(compareOffline(this.#scope, shouldBe, gathered, isCovered));
    }
    return { findings, shouldBe };
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
