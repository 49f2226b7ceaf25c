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
  position: Position,
): { entity: string; element: Element }[] {
  const shared = { key: row, version, ...position };
  const elements: { entity: string; element: Element }[] = [];
  if (after !== null) {
    const { entity, eventTime, values } = after;
    elements.push({ entity, element: { ...shared, eventTime, values, isGone: false } });
  }
  if (before !== null) {
    const { entity, eventTime } = before;
    elements.push({ entity, element: { ...shared, eventTime, values: [], isGone: true } });
  }
  return elements;
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
      values.map((value) => (typeof value === "bigint" ? compact(value) : value)),
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
