/**
 * The companion hash of an entity in the online store, which holds all its kept windows: from it the job picks what it
 * serves, so that an error in here is served some day.
 */
import { windowsKey } from "../definition/feature-set.ts";
import { microsOfIso } from "../platform/instants.ts";
import {
  Findings,
  isoOfMs,
  judge,
  onlineFields,
  type Scope,
  type Stored,
  type StoredRow,
  wrongComputedAt,
} from "./compare.ts";
import type { DifferenceKind } from "./difference.ts";
import type { EntityExpectation, ExpectedSlot } from "./expectation.ts";
import { slotOfField, windowField } from "./window-entry.ts";

/** The newest offline row of a slot. */
export function newestRow({ rows }: Stored, slot: number): StoredRow | undefined {
  return rows.find((row) => row.slot === slot && row.batchId !== null);
}

const VERSION = /^\d{20}$/;

/**
 * What a version should be, when it is wrong. It is the newest batch of the slot; in a set as of now it may be newer, since
 * ageing writes offline only what it changed. In real-time mode it is a position within that batch.
 */
export function wrongVersion(
  { isAsOfNow, begins }: Scope,
  version: string | undefined,
  newest: StoredRow | undefined,
): string | undefined {
  const isVersion = version !== undefined && VERSION.test(version);
  if (newest === undefined) return isVersion ? undefined : "20 digits";
  const digits = (position: number | bigint) => String(position).padStart(20, "0");
  const expected = digits(newest.batchId as bigint);
  const begin = begins?.get(Number(newest.batchId));
  if (isVersion && begin !== undefined && version > digits(begin) && version <= expected) return undefined;
  if (isVersion && (isAsOfNow ? version >= expected : version === expected)) return undefined;
  return expected;
}

/** There must be every kept window that has rows, and no other with values. */
export function compareCompanion(
  scope: Scope,
  expectation: EntityExpectation,
  stored: Stored,
  isKept: (slot: number) => boolean | undefined,
): Findings {
  const comparison = new CompanionComparison(scope, stored);
  comparison.compare(expectation, isKept);
  return comparison.findings;
}

class CompanionComparison {
  readonly findings: Findings;
  readonly #scope: Scope;
  readonly #stored: Stored;
  readonly #key: string;

  constructor(scope: Scope, stored: Stored) {
    this.findings = new Findings(scope, stored.entity, "online");
    this.#scope = scope;
    this.#stored = stored;
    this.#key = windowsKey(scope.featureSet, stored.entity ?? "");
  }

  compare(expectation: EntityExpectation, isKept: (slot: number) => boolean | undefined): void {
    const hash = this.#stored.companion?.hash;
    if (hash !== undefined && "problem" in hash) {
      const because = `${this.#key} cannot be read as a hash: ${hash.problem}`;
      this.#report("different", "a hash", hash.problem, because);
      return;
    }
    if (hash?.expires) {
      const because = `${this.#key} has an expiry, which the job does not set: it would go away by itself`;
      this.#report("extra", "no expiry", "an expiry", because);
    }
    const unseen = new Map(hash?.fields);
    for (const expected of expectation.slots.values()) {
      const field = windowField(expected.slot);
      const actual = unseen.get(field);
      unseen.delete(field);
      if (expected.isKept === true) this.#compareSlot(expected, field, actual);
    }
    for (const [field, actual] of unseen) this.#judgeUnknown(field, actual, isKept);
  }

  #compareSlot(expected: ExpectedSlot, field: string, actual: string | undefined): void {
    this.findings.checkedValues += 1;
    const { slot } = expected;
    const window = this.#scope.isAsOfNow ? "entity" : "window";
    const newest = this.#newest(slot);
    const report = (kind: DifferenceKind, should: string | null, because: string): void =>
      this.#report(kind, should, actual ?? null, `${this.#key} ${because}`, slot);
    const hasRows = expected.at(this.#scope.now) !== null;
    if (actual === undefined) {
      if (hasRows && this.#hadRows(expected))
        report("missing", field, `has no field ${field}, though the ${window} has rows`);
      // A window that lost its rows leaves its version, so that no older one comes back.
      else if (!hasRows && newest !== undefined && !this.#scope.isAsOfNow)
        report("missing", field, `has no field ${field}, though batch ${newest.batchId} emptied the window`);
      return;
    }
    const entry = this.#stored.companion?.entry(field);
    if (entry === undefined) {
      report("different", "<version>|<values>", `holds no version and values in field ${field}`);
      return;
    }
    const version = wrongVersion(this.#scope, entry.version, newest);
    if (version !== undefined) {
      const because = `has version ${entry.version}${this.#scope.isAsOfNow ? "" : ` of the window of ${isoOfMs(slot)}`}`;
      report("different", version, `${because}, the newest batch of it is ${newest?.batchId}`);
    } else if (entry.values === null) {
      if (hasRows && this.#hadRows(expected))
        report("missing", field, `has no values in field ${field}, though the ${window} has rows`);
    } else {
      this.#compareValues(expected, entry.values, newest, report);
    }
  }

  /** Values of a window that is served no more are as of when they were computed. */
  #compareValues(
    { slot, at }: ExpectedSlot,
    values: Map<string, string>,
    newest: StoredRow | undefined,
    report: (kind: DifferenceKind, should: string | null, because: string) => void,
  ): void {
    const field = windowField(slot);
    const computedAt = microsOfIso(values.get("_computed_at") ?? "");
    if (at(computedAt ?? this.#scope.now) === null) {
      const lost = this.#scope.isAsOfNow ? "the entity has no rows" : "the window lost all its rows";
      report("extra", null, `has values in field ${field}, though ${lost}`);
      return;
    }
    const batchCreatedAt = newest?.createdTimestamp;
    const wrong = wrongComputedAt(computedAt, { now: this.#scope.now, batchCreatedAt });
    const problem =
      wrong === undefined ? this.#problemOf(at, values, computedAt as bigint) : `_computed_at ${wrong}`;
    if (problem !== undefined)
      this.#report("different", null, windowText(values), `${this.#key}, field ${field}: ${problem}`, slot);
  }

  #problemOf(at: ExpectedSlot["at"], values: Map<string, string>, computedAt: bigint): string | undefined {
    const computed = at(computedAt);
    if (computed === null) return undefined;
    const fields = onlineFields(this.#scope, computed);
    for (const [feature, expected] of fields) {
      const verdict = judge(this.#scope, { feature, expected, actual: values.get(feature) ?? null });
      if (verdict !== undefined) return verdict.because;
    }
    const unknown = [...values.keys()].find((name) => !fields.has(name) && name !== "_computed_at");
    return unknown === undefined ? undefined : `${unknown} is no field of ${this.#scope.featureSet.name}`;
  }

  /** Rows of later come in by themselves: before, the job had none to write. */
  #hadRows({ slot, at }: ExpectedSlot): boolean {
    if (!this.#scope.isAsOfNow) return true;
    const deleted = newestRow(this.#stored, slot);
    const emptyAt = deleted?.isDeleted === true ? deleted.createdTimestamp : null;
    return at(this.#scope.tolerated(null)) !== null && (emptyAt === null || at(emptyAt) !== null);
  }

  /** Entries without values guard against old versions, and those of final windows go at the next write. */
  #judgeUnknown(field: string, actual: string, isKept: (slot: number) => boolean | undefined): void {
    const slot = slotOfField(field);
    const isOwn = slot !== undefined && (!this.#scope.isAsOfNow || slot === 0);
    if (isOwn && isKept(slot) !== true) return;
    // An emptied window has an offline row that says so; where the offline store cannot tell, it may be there.
    const mayBeEmpty = !this.#scope.inStep || this.#scope.isAsOfNow;
    const isEmpty = this.#stored.companion?.entry(field)?.values === null;
    if (isOwn && isEmpty && (mayBeEmpty || this.#newest(slot) !== undefined)) return;
    const because = `${this.#key} has a window in field ${field} that the entity has no rows in`;
    this.#report("extra", null, actual, because, slot);
  }

  #newest(slot: number): StoredRow | undefined {
    return this.#scope.inStep ? newestRow(this.#stored, slot) : undefined;
  }

  #report(
    kind: DifferenceKind,
    expected: string | null,
    actual: string | null,
    because: string,
    slot?: number,
  ): void {
    this.findings.report({ feature: "_windows", expected, actual, because, kind }, slot);
  }
}

function windowText(values: Map<string, string>): string {
  return JSON.stringify([...values].flat());
}
