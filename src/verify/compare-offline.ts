/** The newest offline row of each of an entity's windows, value by value, against the expectation. */
import { isoOfMicros } from "../platform/instants.ts";
import type { Computed } from "../stores/features.ts";
import {
  CLOCK_SKEW_MICROS,
  Findings,
  isoOfMs,
  isSameText,
  onlineFields,
  type Scope,
  type Stored,
  type StoredRow,
} from "./compare.ts";
import type { EntityExpectation, ExpectedSlot } from "./expectation.ts";

/** `isCovered` tells which windows the expectation knows about: a table says nothing about final ones. */
export function compareOffline(
  scope: Scope,
  expectation: EntityExpectation,
  stored: Stored,
  isCovered: (slot: number) => boolean,
): Findings {
  const findings = new Findings(scope, stored.entity, "offline");
  for (const slot of expectation.slots.values()) {
    if (!isCovered(slot.slot)) continue;
    const row = stored.rows.find((one) => one.slot === slot.slot);
    if (row === undefined) reportMissing(scope, findings, slot);
    else new RowComparison(scope, findings, slot, row).compare();
  }
  for (const row of stored.rows) {
    const isExpected = row.slot !== null && (expectation.slots.has(row.slot) || !isCovered(row.slot));
    if (!isExpected) reportUnexpected(scope, findings, row);
  }
  return findings;
}

/** A window that came and went within one batch need not have left a row, nor one whose rows have just come in. */
function reportMissing(scope: Scope, findings: Findings, { slot, at }: ExpectedSlot): void {
  if (at(scope.now) === null || (scope.isAsOfNow && at(scope.tolerated(null)) === null)) return;
  const because = `no Parquet file has a row of this entity${scope.ofWindow(slot)}`;
  findings.report({ feature: null, expected: "a row", actual: null, because, kind: "missing" }, slot);
}

/** A row of a window that should have none. One that says "deleted" does no harm. */
function reportUnexpected(scope: Scope, findings: Findings, row: StoredRow): void {
  if (row.isDeleted === true) return;
  const window = scope.isAsOfNow
    ? ""
    : ` for the window of ${row.windowStart === null ? "null" : timeText(row.windowStart)}`;
  const because = `batch ${row.batchId} has a row of this entity${window}, which should have none`;
  findings.report(
    { feature: null, expected: null, actual: "a row", because, kind: "extra" },
    row.slot ?? undefined,
  );
}

class RowComparison {
  readonly #scope: Scope;
  readonly #findings: Findings;
  readonly #expected: ExpectedSlot;
  readonly #row: StoredRow;

  constructor(scope: Scope, findings: Findings, expected: ExpectedSlot, row: StoredRow) {
    this.#scope = scope;
    this.#findings = findings;
    this.#expected = expected;
    this.#row = row;
  }

  compare(): void {
    const row = this.#row;
    const { slot, at } = this.#expected;
    if (row.copies > 1) {
      const because = `batch ${row.batchId} wrote ${row.copies} rows of this entity${this.#scope.ofWindow(slot)}`;
      this.#report({
        feature: null,
        expected: "1",
        actual: String(row.copies),
        because,
        kind: "different",
      });
    }
    // A row is as of the moment that it was created.
    const computed = at(row.createdTimestamp ?? this.#scope.now);
    this.#compareText("is_deleted", String(computed === null), row.isDeleted);
    this.#checkCreated();
    // What stands in a row that should be marked as deleted, or should not, says nothing more.
    if (row.isDeleted === (computed === null)) this.#compareFeatures(computed);
    this.#compareTimes(computed, row.isDeleted !== (computed === null));
    const ages = this.#scope.isAsOfNow && this.#expected.isHeld !== true;
    if (ages && this.#findings.differences.length === 0) this.#checkAge(computed);
  }

  #compareTimes(computed: Computed | null, isWronglyDeleted: boolean): void {
    const { windowStart, windowEnd, eventTimestamp } = this.#row;
    const bounds = computed?.bounds ?? null;
    if (!this.#scope.isAsOfNow) {
      const [window] = this.#scope.featureSet.windows;
      const lengthMs = window !== undefined && "lengthMs" in window ? window.lengthMs : 0;
      this.#compareText("window_end", isoOfMs(this.#expected.slot + lengthMs), windowEnd);
    } else if (computed !== null && !isWronglyDeleted) {
      this.#compareText("window_start", bounds === null ? null : isoOfMicros(bounds.start), windowStart);
      this.#compareText("window_end", bounds === null ? null : isoOfMicros(bounds.end), windowEnd);
    }
    if (computed !== null && !isWronglyDeleted)
      this.#compareText("event_timestamp", isoOfMicros(computed.latest), eventTimestamp);
  }

  #compareFeatures(computed: Computed | null): void {
    const fields = computed === null ? undefined : onlineFields(this.#scope, computed);
    for (const { name } of this.#scope.featureSet.features) {
      const expected = fields?.get(name) ?? null;
      const actual = this.#row.features.get(name) ?? null;
      // The column has its type, so a value can be written in one way only.
      const isSame = expected !== null && actual !== null && isSameText(this.#scope, name, expected, actual);
      this.#compare({ feature: name, expected, actual: isSame ? expected : actual });
    }
  }

  /** Ageing writes a row when a value changes with time alone. */
  #checkAge(then: Computed | null): void {
    const { now } = this.#scope;
    const current = this.#expected.at(now);
    if (this.#isSame(then, current)) return;
    const recent = this.#expected.at(this.#scope.tolerated(this.#row.createdTimestamp));
    if (this.#isSame(then, recent)) return;
    const text = (computed: Computed | null) => (computed === null ? "no row" : "a row");
    if (then === null || current === null) {
      const because = `batch ${this.#row.batchId} was right when it was computed, and ${
        current === null ? "all rows have left the windows" : "rows have come into the windows"
      } since`;
      this.#report({ feature: null, expected: text(current), actual: text(then), because, kind: "stale" });
      return;
    }
    for (const { name } of this.#scope.featureSet.features) {
      const expected = onlineFields(this.#scope, current).get(name) ?? null;
      const actual = onlineFields(this.#scope, then).get(name) ?? null;
      if (expected === actual) continue;
      const because = `${name} was ${actual ?? "null"} when batch ${this.#row.batchId} was computed and is ${expected ?? "null"} now`;
      this.#report({ feature: name, expected, actual, because, kind: "stale" });
    }
  }

  #isSame(a: Computed | null, b: Computed | null): boolean {
    if (a === null || b === null || a === b) return a === b;
    const [left, right] = [onlineFields(this.#scope, a), onlineFields(this.#scope, b)];
    return this.#scope.featureSet.features.every(({ name }) => left.get(name) === right.get(name));
  }

  #compareText(feature: string, expected: string | null, actual: bigint | boolean | null): void {
    const text = actual === null ? null : typeof actual === "bigint" ? timeText(actual) : String(actual);
    this.#compare({ feature, expected, actual: text });
  }

  #compare(compared: { feature: string; expected: string | null; actual: string | null }): void {
    this.#findings.compare(compared, this.#expected.slot, ` in batch ${this.#row.batchId}`);
  }

  #checkCreated(): void {
    this.#findings.checkedValues += 1;
    const { createdTimestamp } = this.#row;
    const { now } = this.#scope;
    if (createdTimestamp !== null && createdTimestamp <= now + CLOCK_SKEW_MICROS) return;
    const actual = createdTimestamp === null ? null : timeText(createdTimestamp);
    const expected = `a time, at most ${isoOfMicros(now)}`;
    const because = `created_timestamp ${actual === null ? "is not there" : `lies in the future: ${actual}`}`;
    const kind = actual === null ? "missing" : "different";
    this.#report({ feature: "created_timestamp", expected, actual, because, kind });
  }

  #report(difference: Parameters<Findings["report"]>[0]): void {
    this.#findings.report(difference, this.#expected.slot);
  }
}

/** Files may hold times that no calendar of ours reaches. */
function timeText(micros: bigint): string {
  try {
    return isoOfMicros(micros);
  } catch {
    return `${micros} µs since 1970`;
  }
}
