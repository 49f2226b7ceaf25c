/** Features from rows: the one computation of `verify` and `get`, which shares nothing with the Spark job. */
import { Big } from "big.js";
import {
  type ColumnType,
  type Feature,
  type FeatureSet,
  isAsOfNow,
  type Window,
} from "../definition/feature-set.ts";
import { floorDivide, utcDay } from "../platform/instants.ts";
import { type ColumnValue, inputColumns, type Row, rowOrder } from "./rows.ts";
import { derive, type FeatureValue, type FeatureValues, quotient, recencyInDays, rounded } from "./values.ts";
import { type Bounds, granuleOf, primaryWindow, type Selection, selectAsOfNow } from "./windows.ts";

export interface Computed {
  /** Every feature of the set by name. */
  features: FeatureValues;
  /** The window that the stores show beside the features; null where there is none. */
  bounds: Bounds | null;
  /** The latest event time of the rows in any window, micros since 1970 UTC. */
  latest: bigint;
  /** The fields of the online store, once somebody has made them: several comparisons need them. */
  texts?: ReadonlyMap<string, string | null>;
}

/** Features of an entity, or of one window of it, at any moment; null at those when there is nothing to show. */
export type AsOf = (now: bigint) => Computed | null;

/** Where features are computed from rows, with what does not depend on the rows made ready. Pure. */
export class FeatureComputation {
  readonly #featureSet: FeatureSet;
  readonly #order: (a: Row, b: Row) => number;
  readonly #features: { name: string; compute: Computation }[];
  readonly #isAsOfNow: boolean;
  readonly #granule: bigint;
  readonly #primary: Window | undefined;

  constructor(featureSet: FeatureSet) {
    this.#featureSet = featureSet;
    this.#order = rowOrder(featureSet);
    this.#features = featureSet.features.flatMap((feature) => {
      const compute = computationOf(featureSet, feature);
      return compute === undefined ? [] : [{ name: feature.name, compute }];
    });
    this.#isAsOfNow = isAsOfNow(featureSet);
    this.#granule = granuleOf(featureSet);
    this.#primary = this.#isAsOfNow ? primaryWindow(featureSet) : featureSet.windows[0];
  }

  /** Of a set as of now: the live rows of one entity, in any order. */
  ofEntity(rows: Row[]): AsOf {
    const ordered = rows.toSorted(this.#order);
    const known = new Map<string, FeatureValues>();
    return this.#remembered((now) => this.#compute(ordered, this.#selectionsAsOf(ordered, now), now, known));
  }

  /** Of a set with a row for each window: the live rows of one entity in the window that starts then, in any order. */
  ofWindow(rows: Row[], startMs: number): AsOf {
    if (rows.length === 0) return () => null;
    const ordered = rows.toSorted(this.#order);
    const selections = this.#selectionOf(ordered, startMs);
    const known = new Map<string, FeatureValues>();
    return this.#remembered((now) => this.#compute(ordered, selections, now, known));
  }

  /**
   * Which of the rows each window's features are over, in their order, by the window's name; `startMs` as for `ofWindow`, and
   * left out in a set as of now.
   */
  windowsOf<R extends Row>(rows: R[], now: bigint, startMs?: number): Map<string, WindowRows<R>> {
    const ordered = rows.toSorted(this.#order);
    const selections =
      startMs === undefined ? this.#selectionsAsOf(ordered, now) : this.#selectionOf(ordered, startMs);
    return new Map(
      [...selections].map(([name, { from, to, before, bounds }]) => [
        name,
        { rows: ordered.slice(from, to), before: ordered.slice(before, from), bounds },
      ]),
    );
  }

  /** What changes with now changes with the day, or with the granule of a set as of now. */
  sameAt(a: bigint, b: bigint): boolean {
    if (utcDay(a) !== utcDay(b)) return false;
    return !this.#isAsOfNow || floorDivide(a, this.#granule) === floorDivide(b, this.#granule);
  }

  #selectionsAsOf(ordered: Row[], now: bigint): Map<string, Selection> {
    return new Map(
      this.#featureSet.windows.map((window) => [
        window.name,
        selectAsOfNow(window, ordered, now, this.#granule),
      ]),
    );
  }

  /** All of them are in the one window. */
  #selectionOf(ordered: Row[], startMs: number): Map<string, Selection> {
    const [window] = this.#featureSet.windows;
    if (window === undefined || !("lengthMs" in window)) throw new TypeError("no window that stands");
    const start = BigInt(startMs) * 1000n;
    const bounds = { start, end: start + BigInt(window.lengthMs) * 1000n };
    return new Map([[window.name, { from: 0, to: ordered.length, before: 0, bounds }]]);
  }

  #remembered(compute: AsOf): AsOf {
    const seen: { now: bigint; computed: Computed | null }[] = [];
    return (now) => {
      const known = seen.find((one) => this.sameAt(one.now, now));
      if (known !== undefined) return known.computed;
      const computed = compute(now);
      seen.push({ now, computed });
      return computed;
    };
  }

  /** `known` are the features of other moments, by the rows that they are over and the day: most granules change nothing. */
  #compute(
    ordered: Row[],
    selections: Map<string, Selection>,
    now: bigint,
    known: Map<string, FeatureValues>,
  ): Computed | null {
    let latest: Row | undefined;
    let over = `${utcDay(now)}`;
    for (const { from, to, before } of selections.values()) {
      const row = from < to ? ordered[to - 1] : undefined;
      if (row !== undefined && (latest === undefined || row.eventTime > latest.eventTime)) latest = row;
      over += ` ${from} ${to} ${before}`;
    }
    if (latest === undefined) return null;
    const features = known.get(over) ?? this.#featuresOver(ordered, selections, now);
    known.set(over, features);
    const bounds = selections.get(this.#primary?.name ?? "")?.bounds ?? null;
    return { features, bounds, latest: latest.eventTime };
  }

  #featuresOver(ordered: Row[], selections: Map<string, Selection>, now: bigint): FeatureValues {
    const features: FeatureValues = new Map();
    for (const { name, compute } of this.#features) features.set(name, compute(ordered, selections, now));
    derive(this.#featureSet, features);
    return features;
  }
}

/** The rows that a window's features are over, and those of the interval before, which velocity is against. */
export interface WindowRows<R extends Row> {
  rows: R[];
  before: R[];
  bounds: Bounds | null;
}

type Computation = (rows: Row[], selections: Map<string, Selection>, now: bigint) => FeatureValue;

/** Undefined for a derived feature, which needs no rows. */
function computationOf(featureSet: FeatureSet, feature: Feature): Computation | undefined {
  if (feature.kind === "derived") return undefined;
  const { window: name, type } = feature;
  const selected = (selections: Map<string, Selection>) => selections.get(name) as Selection;
  if (feature.kind === "behavioural") {
    const window = featureSet.windows.find((one) => one.name === name);
    const lengthMs = window !== undefined && "lengthMs" in window ? window.lengthMs : 0;
    switch (feature.measure) {
      case "recency":
        return (rows, selections, now) => {
          const { from, to } = selected(selections);
          return from === to ? null : recencyInDays((rows[to - 1] as Row).eventTime, now);
        };
      case "frequency": {
        const unitMs = UNIT_MS[feature.unit];
        return (_, selections) => {
          const { from, to } = selected(selections);
          return rounded(quotient(Big(to - from).times(unitMs), lengthMs), type);
        };
      }
      case "velocity":
        return (_, selections) => {
          const { from, to, before } = selected(selections);
          return rounded(quotient(to - from, from - before), type);
        };
    }
  }
  if (feature.kind === "aggregated" && feature.aggregate === "count") {
    return (_, selections) => {
      const { from, to } = selected(selections);
      return whole(to - from);
    };
  }
  const inputs = inputColumns(featureSet);
  const at = inputs.findIndex((column) => column.name === feature.column);
  const columnType = inputs[at]?.type as ColumnType;
  const aggregate = AGGREGATES[feature.kind === "point_in_time" ? "point_in_time" : feature.aggregate];
  return (rows, selections) => {
    const { from, to } = selected(selections);
    return rounded(aggregate({ rows, from, to, at, type: columnType }), type);
  };
}

const MINUTE_MS = 60_000;
const UNIT_MS = { minute: MINUTE_MS, hour: 60 * MINUTE_MS, day: 1_440 * MINUTE_MS, week: 10_080 * MINUTE_MS };

/** Rows from `from` on and before `to`, of which the value at `at` counts. */
interface Column {
  rows: Row[];
  from: number;
  to: number;
  at: number;
  type: ColumnType;
}

type Named = Exclude<Extract<Feature, { kind: "aggregated" }>["aggregate"], "count"> | "point_in_time";

const AGGREGATES: Record<Named, (column: Column) => FeatureValue> = {
  sum: (column) => featureValue(total(column).sum, column.type),
  avg: (column) => {
    const { sum, count } = total(column);
    return sum === null ? null : quotient(featureValue(sum, column.type) as Big, count);
  },
  min: (column) =>
    featureValue(
      extreme(column, (a, b) => a < b),
      column.type,
    ),
  max: (column) =>
    featureValue(
      extreme(column, (a, b) => a > b),
      column.type,
    ),
  first: (column) => {
    for (const value of valuesIn(column)) return featureValue(value, column.type);
    return null;
  },
  last: ({ rows, from, to, at, type }) => {
    for (let i = to - 1; i >= from; i -= 1) {
      const value = rows[i]?.values[at] ?? null;
      if (value !== null) return featureValue(value, type);
    }
    return null;
  },
  count_distinct: (column) => whole(new Set(valuesIn(column)).size),
  point_in_time: ({ rows, from, to, at, type }) =>
    from === to ? null : featureValue(rows[to - 1]?.values[at] ?? null, type),
};

const wholes: Big[] = [];

/** Most counts are small, and making a Big is most of the work of a count. */
function whole(count: number): Big {
  if (count >= 10_000) return Big(count);
  wholes[count] ??= Big(count);
  return wholes[count];
}

/** Those that are not null. */
function* valuesIn({ rows, from, to, at }: Column): Generator<Exclude<ColumnValue, null>> {
  for (let i = from; i < to; i += 1) {
    const value = rows[i]?.values[at] ?? null;
    if (value !== null) yield value;
  }
}

/** Of bigints in units of the last digit, so that nothing is ever rounded. */
function total(column: Column): { sum: bigint | null; count: number } {
  let sum: bigint | null = null;
  let count = 0;
  for (const value of valuesIn(column)) {
    sum = (sum ?? 0n) + (value as bigint);
    count += 1;
  }
  return { sum, count };
}

function extreme(column: Column, isBetter: (a: bigint, b: bigint) => boolean): bigint | null {
  let best: bigint | null = null;
  for (const value of valuesIn(column) as Generator<bigint>) {
    if (best === null || isBetter(value, best)) best = value;
  }
  return best;
}

/** A column's value as a feature. */
export function featureValue(value: ColumnValue, type: ColumnType): FeatureValue {
  if (typeof value !== "bigint" || type.kind === "date" || type.kind === "timestamp") return value;
  return type.kind === "decimal" ? Big(`${value}e-${type.scale}`) : Big(value.toString());
}
