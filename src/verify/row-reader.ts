/** A row as it stands in an event, before or after a change. */
import { type Column, entityText, type FeatureSet, isAsOfNow } from "../definition/feature-set.ts";
import { isInstant } from "../platform/instants.ts";
import { type ColumnValue, columnsNamed, inputColumns, keyText } from "../stores/rows.ts";
import { startOfSlide } from "../stores/windows.ts";
import { decodeColumn, UNAVAILABLE, Undecodable } from "./column-values.ts";
import type { Envelope } from "./envelope.ts";

export interface Place {
  entity: string;
  /** Micros since 1970 UTC. */
  eventTime: bigint;
}

export interface PlacedRow extends Place {
  /** The features' inputs, in the order of `inputColumns`. */
  values: ColumnValue[];
}

export type Image = Record<string, Envelope["payload"]>;
type Fields = Envelope["fields"];

/** All methods throw Undecodable for a value that its column cannot hold. */
export class RowReader {
  readonly #featureSet: FeatureSet;
  readonly #key: Column[];
  readonly #besideKey: Column[];
  readonly #entity: Column[];
  readonly #eventTime: Column;
  readonly #inputs: Column[];
  readonly #texts: string[];
  readonly #reachMicros: bigint;

  constructor(featureSet: FeatureSet) {
    const { columns, primaryKey, eventTime } = featureSet.source;
    this.#featureSet = featureSet;
    this.#key = columnsNamed(featureSet, primaryKey);
    this.#besideKey = columns.filter(({ name }) => !primaryKey.includes(name));
    this.#entity = columnsNamed(featureSet, featureSet.entity);
    this.#eventTime = columnsNamed(featureSet, [eventTime])[0] as Column;
    this.#inputs = inputColumns(featureSet);
    this.#texts = columns.filter(({ type }) => type.kind === "text").map(({ name }) => name);
    this.#reachMicros = reachOfWindows(featureSet);
  }

  /** The primary key's columns, see `keyText`. */
  key(image: Image, fields: Fields): string[] {
    const texts: string[] = [];
    for (const column of this.#key) {
      const value = read(image, column, fields);
      if (value === null) throw new Undecodable(`no primary key ${column.name}`);
      texts.push(keyText(value, column.type));
    }
    return texts;
  }

  /** Null when the image does not tell. */
  place(image: Image, fields: Fields): Place | null {
    const entity = this.entity(image, fields);
    const eventTime = this.#time(image, fields);
    return entity === null || eventTime === null ? null : { entity, eventTime };
  }

  /** Null for a row without an entity. */
  row(image: Image, fields: Fields): PlacedRow | null {
    const entity = this.entity(image, fields);
    if (entity === null) return null;
    const values: ColumnValue[] = [];
    for (const column of this.#inputs) values.push(read(image, column, fields));
    const eventTime = this.#time(image, fields);
    if (eventTime === null) throw new Undecodable(`no event time ${this.#eventTime.name}`);
    return { entity, eventTime, values };
  }

  /** The entity's key as `entityText` writes it; null when one of its columns is. */
  entity(image: Image, fields: Fields): string | null {
    const texts: string[] = [];
    for (const column of this.#entity) {
      const value = read(image, column, fields);
      if (value === null) return null;
      texts.push(keyText(value, column.type));
    }
    return entityText(texts);
  }

  /** All that an event time's windows reach has to lie in the calendar. */
  #time(image: Image, fields: Fields): bigint | null {
    const time = read(image, this.#eventTime, fields) as bigint | null;
    if (time !== null && !(isInstant(time - this.#reachMicros) && isInstant(time + this.#reachMicros))) {
      throw new Undecodable(`the window of ${this.#eventTime.name} reaches out of the calendar`);
    }
    return time;
  }

  /** Whether the image holds more than a key; a table without REPLICA IDENTITY FULL has no more. */
  tellsMoreThanKey(image: Image): boolean {
    return this.#besideKey.length === 0 || this.#besideKey.some(({ name }) => (image[name] ?? null) !== null);
  }

  /** Large texts that an update left as they were stand only in the row before, where there is one. */
  completed(after: Image, before: Image | null): Image {
    if (before === null || this.#texts.every((name) => after[name] !== UNAVAILABLE)) return after;
    const completed = { ...after };
    for (const name of this.#texts) {
      if (after[name] === UNAVAILABLE) completed[name] = before[name] ?? UNAVAILABLE;
    }
    return completed;
  }

  /** Whether both images surely have one place, by what is written and without decoding. */
  isWrittenAlike(before: Image, after: Image): boolean {
    return (
      before[this.#eventTime.name] === after[this.#eventTime.name] &&
      this.#entity.every(({ name }) => before[name] === after[name])
    );
  }

  /** Whether rows at both are in the same windows of the same entity, so that nothing has to be taken back. */
  isSamePlace(a: Place, b: Place): boolean {
    if (a.entity !== b.entity) return false;
    const [window] = this.#featureSet.windows;
    if (isAsOfNow(this.#featureSet) || (window?.kind !== "tumbling" && window?.kind !== "sliding"))
      return true;
    return startOfSlide(window, a.eventTime) === startOfSlide(window, b.eventTime);
  }
}

function read(image: Image, column: Column, fields: Fields): ColumnValue {
  return decodeColumn(image[column.name], column, fields.get(column.name));
}

/** The longest way from an event time to the other end of a window. */
export function reachOfWindows({ windows }: FeatureSet): bigint {
  const lengths = windows.map((window) =>
    "lengthMs" in window ? window.lengthMs : window.kind === "session" ? window.gapMs : 0,
  );
  return BigInt(Math.max(...lengths)) * 1000n;
}
