/**
 * The change log folded to the rows that exist: by version to rows, by rows to windows.
 *
 * A row counts where its newest version says. Records are taken in batches as the job took them, since a record is
 * late when its window ended by the watermark of the batches before its own.
 */
import { Big } from "big.js";
import type { FeatureSet } from "../definition/feature-set.ts";
import { msOfMicros } from "../platform/instants.ts";
import type { ColumnValue } from "./column-values.ts";
import { isOlder, type RowChange, type Version } from "./debezium.ts";
import {
  type EntityWindows,
  type Expectation,
  latenessAllowedMs,
  startOfWindow,
  type WindowAggregates,
} from "./expectation.ts";
import { inputColumns, type Place, type Row } from "./row-reader.ts";

interface Group {
  startMs: number;
  rows: Map<string, Row>;
}

interface RowState {
  version: Version;
  group: Group | undefined;
}

export class Fold {
  readonly #featureSet: FeatureSet;
  readonly #rows = new Map<string, RowState>();
  readonly #groups = new Map<string, Map<number, Group>>();
  #latestMs = Number.NEGATIVE_INFINITY;
  /** Spark's watermark begins at 1970. */
  #watermarkMs = 0;

  constructor(featureSet: FeatureSet) {
    this.#featureSet = featureSet;
  }

  apply(change: RowChange): void {
    this.#observeTimes(change);
    const known = this.#rows.get(change.row);
    if (known !== undefined && isOlder(change.version, known.version)) return;
    const group = change.after === null ? undefined : this.#groupOf(change.after);
    if (known?.group !== undefined && known.group !== group && !this.#isLate(known.group)) {
      known.group.rows.delete(change.row);
    }
    if (group !== undefined && !this.#isLate(group)) group.rows.set(change.row, change.after as Row);
    if (known === undefined) {
      this.#rows.set(change.row, { version: change.version, group });
    } else {
      known.version = change.version;
      known.group = group;
    }
  }

  /** Ends a batch: the next one is judged by a watermark that knows this one's times. */
  endBatch(): void {
    this.#watermarkMs = Math.max(this.#watermarkMs, this.#latestMs - latenessAllowedMs(this.#featureSet));
  }

  /** What the stores should hold after the batches so far. */
  expectation(): Expectation {
    const aggregate = aggregator(this.#featureSet);
    const entities = new Map<string, EntityWindows>();
    for (const [entity, groups] of this.#groups) {
      const windows: EntityWindows = new Map();
      for (const { startMs, rows } of groups.values())
        windows.set(startMs, rows.size === 0 ? null : aggregate(rows.values()));
      entities.set(entity, windows);
    }
    return { entities, watermarkMs: this.#watermarkMs, covers: "all windows" };
  }

  /** Where a row was counts too when it left, since the job's record of its leaving carries that time. */
  #observeTimes({ before, after }: RowChange): void {
    if (after !== null) this.#observe(after);
    if (before === null || before === after) return;
    if (after === null || !this.#isSameWindow(before, after)) this.#observe(before);
  }

  #observe({ eventTime }: Place): void {
    const ms = msOfMicros(eventTime);
    if (ms > this.#latestMs) this.#latestMs = ms;
  }

  #isSameWindow(a: Place, b: Place): boolean {
    return (
      a.entity === b.entity &&
      startOfWindow(this.#featureSet, a.eventTime) === startOfWindow(this.#featureSet, b.eventTime)
    );
  }

  #isLate({ startMs }: Group): boolean {
    return startMs + this.#featureSet.window.lengthMs <= this.#watermarkMs;
  }

  #groupOf({ entity, eventTime }: Place): Group {
    const groups = this.#groups.get(entity) ?? new Map<number, Group>();
    if (groups.size === 0) this.#groups.set(entity, groups);
    const startMs = startOfWindow(this.#featureSet, eventTime);
    const group = groups.get(startMs) ?? { startMs, rows: new Map() };
    groups.set(startMs, group);
    return group;
  }
}

/** Sums are made of bigints in units of the last digit, so that nothing is ever rounded. */
function aggregator(featureSet: FeatureSet): (rows: Iterable<Row>) => WindowAggregates {
  const inputs = inputColumns(featureSet);
  const makers = featureSet.features.flatMap((feature) => {
    if (feature.kind !== "aggregated") return [];
    if (feature.aggregate === "count")
      return [{ name: feature.name, make: (rows: Row[]) => Big(rows.length) }];
    const at = inputs.findIndex(({ name }) => name === feature.column);
    const type = inputs[at]?.type;
    const scale = type?.kind === "decimal" ? type.scale : 0;
    const make =
      feature.aggregate === "sum"
        ? (rows: Row[]) => sum(rows, at, scale)
        : (rows: Row[]) => distinct(rows, at);
    return [{ name: feature.name, make }];
  });
  return (rows) => {
    const all = [...rows];
    const values = new Map<string, Big | null>(makers.map(({ name, make }) => [name, make(all)]));
    let { eventTime: latest } = all[0] as Row;
    for (const { eventTime } of all) if (eventTime > latest) latest = eventTime;
    return { values, latest };
  };
}

function sum(rows: Row[], at: number, scale: number): Big | null {
  let total: bigint | null = null;
  for (const { values } of rows) {
    const value = values[at] as bigint | null;
    if (value !== null) total = (total ?? 0n) + value;
  }
  return total === null ? null : Big(`${total}e-${scale}`);
}

function distinct(rows: Row[], at: number): Big {
  const seen = new Set<ColumnValue>();
  for (const { values } of rows) {
    const value = values[at] as ColumnValue;
    if (value !== null) seen.add(value);
  }
  return Big(seen.size);
}
