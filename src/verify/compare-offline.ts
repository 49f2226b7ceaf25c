/** The newest offline row of every window, value by value, against the expectation. */
import type { FeatureSet } from "../definition/feature-set.ts";
import { isoOfMicros } from "../platform/instants.ts";
import type { OfflineRow, OfflineStore } from "../stores/offline.ts";
import { onlineText } from "../stores/values.ts";
import {
  CLOCK_SKEW_MICROS,
  type Comparison,
  isoOfMs,
  isSameValue,
  judge,
  type NewestBatch,
} from "./compare.ts";
import type { Difference } from "./difference.ts";
import { type Expectation, isKept, type WindowAggregates } from "./expectation.ts";
import { featuresOf } from "./expected.ts";

export function compareOffline(
  featureSet: FeatureSet,
  expectation: Expectation,
  rows: RowsByWindow,
  now: bigint,
): Comparison {
  const comparison = new OfflineComparison(featureSet, expectation, now);
  const unseen = new Map(rows);
  for (const [entity, windows] of expectation.entities) {
    for (const [startMs, aggregates] of windows) {
      const place = placeOf(entity, BigInt(startMs) * 1000n);
      comparison.compare(entity, startMs, aggregates, unseen.get(place));
      unseen.delete(place);
    }
  }
  for (const row of unseen.values()) comparison.judgeUnexpected(row);
  return comparison;
}

export type RowsByWindow = Map<string, OfflineRow>;

export function rowsByWindow(store: OfflineStore): RowsByWindow {
  return new Map(store.rows.map((row) => [placeOf(row.entity, row.windowStart), row]));
}

export function newestBatchOf(rows: RowsByWindow): NewestBatch {
  return (entity, startMs) => {
    const row = rows.get(placeOf(entity, BigInt(startMs) * 1000n));
    return row?.batchId == null ? undefined : { id: row.batchId, createdAt: row.createdTimestamp };
  };
}

function placeOf(entity: string | null, windowStart: bigint | null): string {
  return `${windowStart} ${entity}`;
}

class OfflineComparison implements Comparison {
  readonly differences: Difference[] = [];
  checkedValues = 0;

  readonly #featureSet: FeatureSet;
  readonly #expectation: Expectation;
  readonly #now: bigint;

  constructor(featureSet: FeatureSet, expectation: Expectation, now: bigint) {
    this.#featureSet = featureSet;
    this.#expectation = expectation;
    this.#now = now;
  }

  compare(
    entity: string,
    startMs: number,
    aggregates: WindowAggregates | null,
    row: OfflineRow | undefined,
  ): void {
    if (!this.#isCovered(startMs)) return;
    const window = isoOfMs(startMs);
    if (row === undefined) {
      // A window that came and went within one batch need not have left a row.
      if (aggregates === null) return;
      const because = `no Parquet file has a row of entity ${entity} for the window of ${window}`;
      this.#report({
        entity,
        feature: null,
        expected: "a row",
        actual: null,
        because,
        kind: "missing",
        window,
      });
      return;
    }
    if (row.copies > 1) {
      const because = `batch ${row.batchId} wrote ${row.copies} rows of entity ${entity} for the window of ${window}`;
      this.#report({
        entity,
        feature: null,
        expected: "1",
        actual: String(row.copies),
        because,
        kind: "different",
        window,
      });
    }
    this.#compareText(
      row,
      window,
      "window_end",
      isoOfMs(startMs + this.#featureSet.window.lengthMs),
      row.windowEnd,
    );
    const expectDeleted = aggregates === null;
    this.#compareText(row, window, "is_deleted", String(expectDeleted), row.isDeleted);
    this.#checkCreated(row, window);
    // What stands in a row that should be marked as deleted, or should not, says nothing more.
    if (row.isDeleted !== expectDeleted) return;
    this.#compareFeatures(row, window, aggregates);
    if (aggregates !== null) {
      this.#compareText(row, window, "event_timestamp", isoOfMicros(aggregates.latest), row.eventTimestamp);
    }
  }

  /** Recency is as of the day that the row was created. */
  #compareFeatures(row: OfflineRow, window: string, aggregates: WindowAggregates | null): void {
    const then = row.createdTimestamp ?? this.#now;
    const values = aggregates === null ? undefined : featuresOf(this.#featureSet, aggregates, then);
    for (const { name, type } of this.#featureSet.features) {
      this.checkedValues += 1;
      const expected = onlineText(values?.get(name) ?? null, type);
      const actual = row.features.get(name) ?? null;
      // The column has its type, so a value can be written in one way only.
      if (expected !== null && actual !== null && isSameValue(this.#featureSet, name, expected, actual))
        continue;
      this.#judge(row, window, { feature: name, expected, actual });
    }
  }

  #compareText(
    row: OfflineRow,
    window: string,
    feature: string,
    expected: string,
    actual: bigint | boolean | null,
  ): void {
    this.checkedValues += 1;
    const text = actual === null ? null : typeof actual === "bigint" ? timeText(actual) : String(actual);
    this.#judge(row, window, { feature, expected, actual: text });
  }

  #judge(
    row: OfflineRow,
    window: string,
    compared: { feature: string; expected: string | null; actual: string | null },
  ): void {
    const verdict = judge(this.#featureSet, compared);
    if (verdict === undefined) return;
    const because = `${verdict.because} in batch ${row.batchId}`;
    this.#report({ entity: row.entity, ...compared, kind: verdict.kind, because, window });
  }

  #checkCreated(row: OfflineRow, window: string): void {
    this.checkedValues += 1;
    if (row.createdTimestamp !== null && row.createdTimestamp <= this.#now + CLOCK_SKEW_MICROS) return;
    const actual = row.createdTimestamp === null ? null : timeText(row.createdTimestamp);
    const expected = `a time, at most ${isoOfMicros(this.#now)}`;
    const because = `created_timestamp ${actual === null ? "is not there" : `lies in the future: ${actual}`}`;
    const kind = actual === null ? "missing" : "different";
    this.#report({
      entity: row.entity,
      feature: "created_timestamp",
      expected,
      actual,
      because,
      kind,
      window,
    });
  }

  /** A row of a window that should have none. One that says "deleted" does no harm. */
  judgeUnexpected(row: OfflineRow): void {
    if (row.isDeleted === true) return;
    const startMs = row.windowStart === null ? undefined : Number(row.windowStart / 1000n);
    if (startMs !== undefined && !this.#isCovered(startMs)) return;
    const window = row.windowStart === null ? "null" : timeText(row.windowStart);
    const because = `batch ${row.batchId} has a row of entity ${row.entity} for the window of ${window}, which should have none`;
    this.#report({
      entity: row.entity,
      feature: null,
      expected: null,
      actual: "a row",
      because,
      kind: "extra",
      window,
    });
  }

  #isCovered(startMs: number): boolean {
    return (
      this.#expectation.covers === "all windows" ||
      isKept(this.#featureSet, startMs, this.#expectation.watermarkMs)
    );
  }

  #report(difference: Omit<Difference, "store">): void {
    this.differences.push({ ...difference, store: "offline" });
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
