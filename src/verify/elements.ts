/**
 * Elements of an entity's history: in each, an event says of one row either what it is now or that it is here no more. An
 * event that moves a row makes two, one for the entity or window it left.
 */
import type { ColumnType, FeatureSet } from "../definition/feature-set.ts";
import { type ColumnValue, inputColumns, type Row } from "../stores/rows.ts";
import type { RowChange } from "./debezium.ts";
import type { Rank, Version } from "./version.ts";

export interface Element extends Row {
  version: Version;
  /** The row is here no more; then it has no values. */
  isGone: boolean;
  /** The job's micro-batch that the event was in, by number from the log's start. */
  batch: number;
  partition: number;
  offset: number;
}

/** Where an event stands in the log. */
export type Position = Pick<Element, "batch" | "partition" | "offset">;

/** One element for where the row is and one for where it was, as far as there is such a place. */
export function elementsOf(
  { row, version, after, before }: RowChange,
  { batch, partition, offset }: Position,
  onElement: (entity: string, element: Element) => void,
): void {
  // Written out: spreading objects is most of the work here.
  if (after !== null) {
    const { eventTime, values } = after;
    onElement(after.entity, {
      key: row,
      eventTime,
      values,
      version,
      isGone: false,
      batch,
      partition,
      offset,
    });
  }
  if (before !== null) {
    const { eventTime } = before;
    onElement(before.entity, {
      key: row,
      eventTime,
      values: [],
      version,
      isGone: true,
      batch,
      partition,
      offset,
    });
  }
}

type Json = string | number | boolean | null;
type Written = [Json, Json, Json, number, number, number, number, number, string[], Json[]];

/** Elements as JSON arrays, which are several times faster to read than objects. */
export class ElementFormat {
  readonly #isNumber: boolean[];

  constructor(featureSet: FeatureSet) {
    this.#isNumber = inputColumns(featureSet).map(({ type }) => isNumber(type));
  }

  write({ key, eventTime, version, isGone, batch, partition, offset, values }: Element): Written {
    const { commit, lsn, rank } = version;
    const written: Json[] = [];
    for (const value of values) written.push(typeof value === "bigint" ? compact(value) : value);
    return [
      compact(eventTime),
      compact(commit),
      compact(lsn),
      rank,
      isGone ? 1 : 0,
      batch,
      partition,
      offset,
      key,
      written,
    ];
  }

  read([eventTime, commit, lsn, rank, isGone, batch, partition, offset, key, values]: Written): Element {
    return {
      key,
      eventTime: BigInt(eventTime as string),
      version: { commit: exact(commit), lsn: exact(lsn), rank: rank as Rank },
      isGone: isGone === 1,
      batch,
      partition,
      offset,
      values: values.map((value, i) => this.#value(value, i)),
    };
  }

  #value(value: Json, i: number): ColumnValue {
    return this.#isNumber[i] && value !== null ? BigInt(value) : (value as ColumnValue);
  }
}

/** Whether its values are bigint. */
function isNumber({ kind }: ColumnType): boolean {
  return kind !== "text" && kind !== "boolean";
}

function compact(value: number | bigint): number | string {
  if (typeof value === "number") return value;
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value.toString();
}

function exact(written: Json): number | bigint {
  return typeof written === "number" ? written : BigInt(written as string);
}
