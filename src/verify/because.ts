/**
 * Which events a wrong value misses or counts too much: what the stores hold is compared with what comes out when one thing
 * went wrong. It says what would give that value, and no more; where nothing does, it says which rows there are.
 */
import { microsOfIso } from "../platform/instants.ts";
import { isSameText, NOT_APPLIED, onlineFields, type Scope, type Stored } from "./compare.ts";
import type { Difference } from "./difference.ts";
import type { Element } from "./elements.ts";
import type { Gathered } from "./entity-spool.ts";
import { listed, place, rowAt } from "./event-names.ts";
import type { Expecter } from "./expectation.ts";
import type { History } from "./history.ts";
import { HYPOTHESES, type Slot } from "./hypotheses.ts";
import { isOlder } from "./version.ts";

/** Every hypothesis computes the features once more, so that more elements than these would take too long. */
const MOST_ELEMENTS = 400;

export interface Log {
  /** Undefined when the truth is the table, which has no events. */
  topic: string | undefined;
  appliedBatches: number;
}

export class Explainer {
  readonly #scope: Scope;
  readonly #expecter: Expecter;
  readonly #history: History;
  readonly #log: Log;

  constructor(scope: Scope, { expecter, history, log }: { expecter: Expecter; history: History; log: Log }) {
    this.#scope = scope;
    this.#expecter = expecter;
    this.#history = history;
    this.#log = log;
  }

  /** The differences of one entity, with what can be said about events added to their reasons. */
  explain(gathered: Gathered, differences: Difference[]): Difference[] {
    const reasons = new Map<string, Reason>();
    return differences.map((difference) => {
      const slot = this.#slotOf(gathered, difference);
      if (slot === undefined) return difference;
      if (difference.because.endsWith(NOT_APPLIED)) return this.#withUnapplied(gathered, difference, slot);
      if (difference.kind === "stale" || !this.#isAboutRows(difference)) return difference;
      const at = `${difference.store} ${slot}`;
      const reason =
        reasons.get(at) ?? new Reason(this.#slot(gathered, slot), this.#actual(gathered, difference, slot));
      reasons.set(at, reason);
      const clause = reason.of(difference.feature);
      return clause === undefined
        ? difference
        : { ...difference, because: `${difference.because}; ${clause}` };
    });
  }

  /** The stores' own fields and the form of a value are not. */
  #isAboutRows({ feature, expected, actual }: Difference): boolean {
    if (feature === null) return true;
    if (!this.#scope.types.has(feature)) return false;
    return expected === null || actual === null || !isSameText(this.#scope, feature, expected, actual);
  }

  #slotOf({ features }: Gathered, { store, window }: Difference): number | undefined {
    if (this.#scope.isAsOfNow) return 0;
    if (window !== undefined) return Date.parse(window);
    // A key that should not be there says itself which window it shows.
    const shown = store === "online" && features !== undefined && "fields" in features;
    const start = shown ? Date.parse(features.fields.get("_window_start") ?? "") : Number.NaN;
    return Number.isNaN(start) ? undefined : start;
  }

  /** As far as the job has come: what it is still to apply cannot be what went wrong. */
  #slot({ elements }: Gathered, slot: number): Slot {
    const inSlot = elements.filter(
      (element) => element.batch < this.#log.appliedBatches && this.#history.slotsOf(element).includes(slot),
    );
    return {
      slot,
      onTime: inSlot.filter((element) => !this.#history.isLate(slot, element)).sort(byVersion),
      late: inSlot.filter((element) => this.#history.isLate(slot, element)),
      scope: this.#scope,
      expecter: this.#expecter,
      history: this.#history,
      topic: this.#log.topic,
    };
  }

  /** What a store holds, and as of when; undefined where that cannot be told. */
  #actual(stored: Stored, { store }: Difference, slot: number): Actual | undefined {
    if (store === "online") {
      if (stored.features === undefined || "problem" in stored.features) return undefined;
      const { fields } = stored.features;
      // Somebody else's hash need not say it, and is to be right now.
      const at = this.#scope.valuesOnly ? this.#scope.now : microsOfIso(fields.get("_computed_at") ?? "");
      return at === undefined ? undefined : { at, values: fields };
    }
    const row = stored.rows.find((one) => one.slot === slot);
    if (row === undefined || row.createdTimestamp === null) return undefined;
    return { at: row.createdTimestamp, values: row.isDeleted ? null : row.features };
  }

  #withUnapplied({ elements }: Gathered, difference: Difference, slot: number): Difference {
    const { topic, appliedBatches } = this.#log;
    const unapplied = elements.filter(
      (element) => element.batch >= appliedBatches && this.#history.slotsOf(element).includes(slot),
    );
    if (topic === undefined || unapplied.length === 0) return difference;
    return {
      ...difference,
      because: `${difference.because}, ${listed(unapplied, (one) => place(topic, one))}`,
    };
  }
}

interface Actual {
  at: bigint;
  /** Null for a row that says there are none. */
  values: ReadonlyMap<string, string | null> | null;
}

/** Why one hash or row is as it is: found out once for all its features. */
class Reason {
  readonly #slot: Slot;
  readonly #actual: Actual | undefined;
  /** Undefined before it was looked for. */
  #ofAll: string | null | undefined;
  readonly #isRight: boolean;

  constructor(slot: Slot, actual: Actual | undefined) {
    this.#slot = slot;
    this.#actual = actual;
    const rows = slot.history.rowsOf(slot.slot, slot.onTime);
    this.#isRight = actual !== undefined && this.#fits(rows, () => true);
  }

  /** A clause about the value of a feature, or about all of them; undefined when there is nothing to be explained. */
  of(feature: string | null): string | undefined {
    if (this.#isRight) return undefined;
    if (this.#ofAll === undefined) this.#ofAll = this.#said("it", () => true) ?? null;
    if (this.#ofAll !== null) return this.#ofAll;
    // Where not all features fit one story, that one does is said only if nothing else would do.
    const alone = feature === null ? undefined : this.#said(`${feature} alone`, (name) => name === feature);
    return alone ?? this.#rows();
  }

  #said(what: string, isMeant: (feature: string) => boolean): string | undefined {
    const { onTime, topic } = this.#slot;
    if (topic === undefined || this.#actual === undefined || onTime.length > MOST_ELEMENTS) return undefined;
    for (const kind of HYPOTHESES) {
      const fitting = kind(this.#slot, topic).filter(({ rows }) => this.#fits(rows, isMeant));
      const [first] = fitting;
      if (first === undefined) continue;
      if (fitting.length === 1) return `${what} is what comes ${first.says}`;
      if (what !== "it") return undefined;
      return `it is what comes ${listed(fitting, ({ says }) => says, " or ")}`;
    }
    return undefined;
  }

  #fits(rows: Element[], isMeant: (feature: string) => boolean): boolean {
    const { scope, expecter, slot } = this.#slot;
    const { at, values } = this.#actual as Actual;
    const computed = expecter.at(slot, rows)(at);
    if (computed === null || values === null) return computed === null && values === null;
    const fields = onlineFields(scope, computed);
    return scope.featureSet.features.every(({ name }) => {
      if (!isMeant(name)) return true;
      const [expected, actual] = [fields.get(name) ?? null, values.get(name) ?? null];
      return expected === null || actual === null
        ? expected === actual
        : isSameText(scope, name, expected, actual);
    });
  }

  #rows(): string {
    const { slot, onTime, history, scope, topic } = this.#slot;
    const rows = history.rowsOf(slot, onTime);
    const where = scope.isAsOfNow ? "the entity" : "the window";
    if (rows.length === 0) return `${where} has no rows`;
    const named = listed(rows, (row) => rowAt(scope.featureSet, topic, row));
    return rows.length === 1
      ? `the only row of ${where} is ${named}`
      : `the ${rows.length} rows of ${where} are ${named}`;
  }
}

function byVersion(a: Element, b: Element): number {
  return isOlder(a.version, b.version) ? -1 : isOlder(b.version, a.version) ? 1 : 0;
}
