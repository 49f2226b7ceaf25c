/** A row as it stands in an event, before or after a change. */
import type { Column, FeatureSet } from "../definition/feature-set.ts";
import { isInstant } from "../platform/instants.ts";
import { type ColumnValue, decodeColumn, Undecodable } from "./column-values.ts";
import type { Envelope } from "./envelope.ts";

export interface Place {
  entity: string;
  /** Micros since 1970 UTC. */
  eventTime: bigint;
}

export interface Row extends Place {
  /** The features' inputs, in the order of `inputColumns`. */
  values: ColumnValue[];
}

export type Image = Record<string, Envelope["payload"]>;
type Fields = Envelope["fields"];

/** The columns that aggregated features read, each once. */
export function inputColumns(featureSet: FeatureSet): Column[] {
  const names = new Set(
    featureSet.features.flatMap((feature) => ("column" in feature ? [feature.column] : [])),
  );
  return featureSet.source.columns.filter(({ name }) => names.has(name));
}

/** All methods throw Undecodable for a value that its column cannot hold. */
export class RowReader {
  readonly #columns: Column[];
  readonly #key: Column;
  readonly #entity: Column;
  readonly #eventTime: Column;
  readonly #inputs: Column[];
  readonly #windowMicros: bigint;

  constructor(featureSet: FeatureSet) {
    const { columns, primaryKey, eventTime } = featureSet.source;
    const named = (wanted: string): Column => columns.find(({ name }) => name === wanted) as Column;
    this.#columns = columns;
    this.#key = named(primaryKey);
    this.#entity = named(featureSet.entity);
    this.#eventTime = named(eventTime);
    this.#inputs = inputColumns(featureSet);
    this.#windowMicros = BigInt(featureSet.window.lengthMs) * 1000n;
  }

  key(image: Image, fields: Fields): string {
    const key = read(image, this.#key, fields);
    if (key === null) throw new Undecodable(`no primary key ${this.#key.name}`);
    return String(key);
  }

  /** Null when the image does not tell. */
  place(image: Image, fields: Fields): Place | null {
    const entity = read(image, this.#entity, fields);
    const eventTime = this.#time(image, fields);
    return entity === null || eventTime === null ? null : { entity: String(entity), eventTime };
  }

  /** Null for a row without an entity. */
  row(image: Image, fields: Fields): Row | null {
    const entity = read(image, this.#entity, fields);
    if (entity === null) return null;
    const values = this.#inputs.map((column) => read(image, column, fields));
    const eventTime = this.#time(image, fields);
    if (eventTime === null) throw new Undecodable(`no event time ${this.#eventTime.name}`);
    return { entity: String(entity), eventTime, values };
  }

  /** An event time's whole window has to lie in the calendar. */
  #time(image: Image, fields: Fields): bigint | null {
    const time = read(image, this.#eventTime, fields) as bigint | null;
    if (time !== null && !(isInstant(time - this.#windowMicros) && isInstant(time + this.#windowMicros))) {
      throw new Undecodable(`the window of ${this.#eventTime.name} reaches out of the calendar`);
    }
    return time;
  }

  /** Whether the image holds more than a key; a table without REPLICA IDENTITY FULL has no more. */
  tellsMoreThanKey(image: Image): boolean {
    return this.#columns.some(({ name }) => name !== this.#key.name && (image[name] ?? null) !== null);
  }

  /** Whether both images surely have one place, by what is written and without decoding. */
  isSamePlace(before: Image, after: Image): boolean {
    return [this.#entity, this.#eventTime].every(({ name }) => before[name] === after[name]);
  }
}

function read(image: Image, column: Column, fields: Fields): ColumnValue {
  return decodeColumn(image[column.name], column, fields.get(column.name));
}
