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

/** Elements as one flat JSON array each, the fastest form to write and to read. */
export class ElementFormat {
  readonly #keys: number;
  readonly #isNumber: boolean[];

  constructor(featureSet: FeatureSet) {
    this.#keys = featureSet.source.primaryKey.length;
    this.#isNumber = inputColumns(featureSet).map(({ type }) => isNumber(type));
  }

  /** Behind what stands before it in the array. */
  write(written: Json[], element: Element): void {
    const { key, eventTime, version, isGone, batch, partition, offset, values } = element;
    written.push(compact(eventTime), compact(version.commit), compact(version.lsn));
    written.push(version.rank, isGone ? 1 : 0, batch, partition, offset);
    for (const text of key) written.push(text);
    for (const value of values) written.push(typeof value === "bigint" ? compact(value) : value);
  }

  /** From that place of the array on. */
  read(written: Json[], at: number): Element {
    const key: string[] = [];
    const values: ColumnValue[] = [];
    const firstKey = at + 8;
    const firstValue = firstKey + this.#keys;
    for (let i = firstKey; i < firstValue; i += 1) key.push(written[i] as string);
    for (let i = firstValue; i < written.length; i += 1) {
      const value = written[i] as Json;
      values.push(this.#isNumber[i - firstValue] && value !== null ? BigInt(value) : (value as ColumnValue));
    }
    return {
      key,
      eventTime: BigInt(written[at] as string | number),
      values,
      version: {
        commit: exact(written[at + 1] as Json),
        lsn: exact(written[at + 2] as Json),
        rank: written[at + 3] as Rank,
      },
      isGone: written[at + 4] === 1,
      batch: written[at + 5] as number,
      partition: written[at + 6] as number,
      offset: written[at + 7] as number,
    };
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
