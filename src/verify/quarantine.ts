/**
 * What rules of validation make of an expectation: a row that breaks one is in quarantine, and the stores keep what they held
 * before it.
 */
import type { ValidationRule } from "../definition/feature-set.ts";
import { microsOfIso } from "../platform/instants.ts";
import type { Computed } from "../stores/features.ts";
import { Findings, type HeldStoredRow, judge, onlineFields, type Scope, type StoredRow } from "./compare.ts";
import type { Gathered } from "./entity-spool.ts";
import { EntityExpectation, type ExpectedSlot, type Expecter } from "./expectation.ts";
import { History, type LogFacts } from "./history.ts";
import type { PastWindows } from "./past-windows.ts";
import { type Circumstances, type References, RuleBook } from "./rules.ts";
import { windowField } from "./window-entry.ts";

export interface Validation {
  /** The batches that the job has applied, in order. */
  batches: number[];
  /** In the order of their batches. */
  references: References[];
  /** Which batch wrote what was served before is known, as it is against the log. */
  knowsBatches: boolean;
}

/** What the stores hold of a slot now. */
interface Accepted {
  version: bigint;
  createdAt: bigint;
  features: ReadonlyMap<string, string | null> | undefined;
}

export interface Validated {
  /** What the stores should hold. */
  expectation: EntityExpectation;
  findings: Findings;
  /** Slots that nothing can be said of but what is in quarantine. */
  unknown: Set<number>;
}

/** What would be there without any rule. */
export interface Judged {
  /** By the rows that are in the stores. */
  past: PastWindows;
  /** By those in quarantine. */
  pastOfHeld: PastWindows;
  /** The truth tells of all rows that a slot ever had to have. */
  isCovered(slot: number): boolean;
}

export class Validator {
  readonly #scope: Scope;
  readonly #expecter: Expecter;
  readonly #book: RuleBook;
  readonly #validation: Validation;
  /** The offline store is not written. */
  readonly #isOnlineOnly: boolean;

  constructor(scope: Scope, expecter: Expecter, validation: Validation, isOnlineOnly: boolean) {
    this.#scope = scope;
    this.#expecter = expecter;
    this.#book = new RuleBook(scope.featureSet, validation.references);
    this.#validation = validation;
    this.#isOnlineOnly = isOnlineOnly;
  }

  validate(gathered: Gathered, facts: LogFacts, { past, pastOfHeld, isCovered }: Judged): Validated {
    const findings = new Findings(this.#scope, gathered.entity, this.#isOnlineOnly ? "online" : "offline");
    const slots = new Map(past.expectation.slots);
    const unknown = new Set<number>();
    const held = new Set<number>();
    for (const row of gathered.held) {
      const slot = row.slot ?? Number.NaN;
      const accepted = this.#accepted(gathered, slot);
      if (accepted !== undefined && isAsNew(accepted, row)) continue;
      held.add(slot);
      if (isCovered(slot) && !pastOfHeld.unknown.has(slot))
        this.#compareHeld(row, pastOfHeld.expectation.slots.get(slot), accepted, findings);
      const before = past.beside.get(slot) ?? this.#before(gathered, slot, accepted, facts);
      if (before === "unknown") unknown.add(slot);
      if (before === "unknown" || before === undefined) slots.delete(slot);
      else slots.set(slot, before);
    }
    for (const expected of past.expectation.slots.values()) {
      const { slot } = expected;
      if (!held.has(slot) && isCovered(slot)) this.#checkAccepted(gathered, expected, findings);
    }
    return { expectation: new EntityExpectation([...slots.values()]), findings, unknown };
  }

  #accepted(gathered: Gathered, slot: number): Accepted | undefined {
    if (!this.#isOnlineOnly) {
      const row = gathered.rows.find((one) => one.slot === slot);
      if (row?.batchId == null || row.createdTimestamp === null) return undefined;
      return {
        version: row.batchId,
        createdAt: row.createdTimestamp,
        features: row.isDeleted ? undefined : row.features,
      };
    }
    const entry = gathered.companion?.entry(windowField(slot));
    if (entry === undefined) return undefined;
    const createdAt = microsOfIso(entry.values?.get("_computed_at") ?? "") ?? this.#scope.now;
    return { version: BigInt(entry.version), createdAt, features: entry.values ?? undefined };
  }

  /** A row in quarantine is as the batch computed it, and breaks what it is said to. */
  #compareHeld(
    row: HeldStoredRow,
    expected: ExpectedSlot | undefined,
    accepted: Accepted | undefined,
    findings: Findings,
  ): void {
    const { createdTimestamp, batchId, slot } = row;
    const at = slot ?? undefined;
    const computed = createdTimestamp === null ? null : (expected?.at(createdTimestamp) ?? null);
    if (createdTimestamp === null || batchId === null || computed === null) {
      const because = `the quarantine has a row of batch ${batchId} for a window that should have none`;
      findings.report({ feature: null, expected: null, actual: "a row", because, kind: "extra" }, at);
      return;
    }
    const fields = onlineFields(this.#scope, computed);
    for (const { name } of this.#scope.featureSet.features) {
      findings.checkedValues += 1;
      const compared = {
        feature: name,
        expected: fields.get(name) ?? null,
        actual: row.features.get(name) ?? null,
      };
      const verdict = judge(this.#scope, compared);
      if (verdict === undefined) continue;
      const because = `${verdict.because} in the quarantine of batch ${batchId}`;
      findings.report({ ...compared, because, kind: verdict.kind }, at);
    }
    findings.checkedValues += 1;
    const circumstances = { createdAt: createdTimestamp, version: batchId, served: accepted?.features };
    const broken = this.#broken(computed, circumstances).map(({ name }) => name);
    const noted = row.rules.filter((rule) => this.#isJudged(rule));
    if (broken.join() === noted.join()) return;
    const because = `the quarantine of batch ${batchId} says that the row breaks ${listed(noted)}, and it breaks ${listed(broken)}`;
    findings.report(
      { feature: null, expected: listed(broken), actual: listed(noted), because, kind: "different" },
      at,
    );
  }

  /** What is in the stores breaks no rule that would have kept it from them. */
  #checkAccepted(gathered: Gathered, { slot, at }: ExpectedSlot, findings: Findings): void {
    const accepted = this.#accepted(gathered, slot);
    if (accepted?.features === undefined) return;
    const { createdAt, version } = accepted;
    const before = gathered.before.find((row) => row.slot === slot);
    const served = before?.isDeleted === false ? before.features : undefined;
    findings.checkedValues += 1;
    for (const rule of this.#broken(at(createdAt), { createdAt, version, served })) {
      if (rule.severity === "warn") continue;
      const feature = "feature" in rule ? rule.feature : null;
      const actual = feature === null ? "a row" : (accepted.features.get(feature) ?? null);
      const because = `batch ${version} wrote a row that breaks ${rule.name} (${rule.severity}), and should have kept it from the stores`;
      findings.report({ feature, expected: "in quarantine", actual, because, kind: "extra" }, slot);
    }
  }

  #broken(computed: Computed | null, circumstances: Circumstances): ValidationRule[] {
    return this.#book.broken(computed, circumstances).filter(({ name }) => this.#isJudged(name));
  }

  /** What Redis held is what a change is against, and only the history tells that. */
  #isJudged(name: string): boolean {
    const rule = this.#scope.featureSet.validation.find((one) => one.name === name);
    return this.#scope.inStep || rule?.check !== "sudden_change";
  }

  /** The slot by the batches up to the one that wrote it last; undefined where none has. */
  #before(
    { elements, companion }: Gathered,
    slot: number,
    accepted: Accepted | undefined,
    facts: LogFacts,
  ): ExpectedSlot | "unknown" | undefined {
    if (accepted === undefined) return undefined;
    const { batches, knowsBatches } = this.#validation;
    if (!knowsBatches) return "unknown";
    const count = batches.filter((batch) => BigInt(batch) <= accepted.version).length;
    const then = {
      ...facts,
      truncates: facts.truncates.filter(({ batch }) => batch < count),
    };
    const history = new History(this.#scope.featureSet, then);
    const known = elements.filter(({ batch }) => batch < count);
    const expected = this.#expecter.expect(history.slots(known), facts.watermark).slots.get(slot);
    if (expected === undefined || !this.#scope.isAsOfNow) return expected;
    // Nothing brings it to now.
    const values = companion?.entry(windowField(slot))?.values;
    const computedAt = microsOfIso(values?.get("_computed_at") ?? "") ?? accepted.createdAt;
    return {
      ...expected,
      at: (time: bigint) => expected.at(time < computedAt ? time : computedAt),
      isHeld: true,
    };
  }
}

/** A window's batch has one of both; ageing may come later in the same. */
function isAsNew({ version, createdAt }: Accepted, { batchId, createdTimestamp }: StoredRow): boolean {
  if (batchId === null) return false;
  return version > batchId || (version === batchId && createdAt >= (createdTimestamp ?? 0n));
}

function listed(names: string[]): string {
  return names.length === 0 ? "no rule" : names.join(", ");
}
