/** The table of a golden case: it remembers its rows, so that each change becomes the event that Debezium would make. */
import type { FeatureSet, Source } from "../definition/feature-set.ts";

/** Columns by name, each value as JSON; a column that is not there is null. */
export type JsonRow = ReadonlyMap<string, string>;

export interface TableEvent {
  key: string | null;
  /** Null for a tombstone. */
  value: string | null;
}

export class Table {
  readonly #source: Source;
  readonly #rows = new Map<string, JsonRow>();

  constructor({ source }: FeatureSet) {
    this.#source = source;
  }

  has(row: JsonRow): boolean {
    return this.#rows.has(this.#key(row));
  }

  /** Creates, updates and snapshot reads: the row is there from now on. */
  put(op: "c" | "u" | "r", row: JsonRow, lsn: number): TableEvent {
    const key = this.#key(row);
    const before = op === "u" ? this.#rows.get(key) : undefined;
    this.#rows.set(key, row);
    const isTold = this.#source.replicaIdentity === "full";
    return { key, value: this.#event(op, isTold ? before : undefined, row, lsn) };
  }

  /** The delete and its tombstone. */
  delete(row: JsonRow, lsn: number): TableEvent[] {
    const key = this.#key(row);
    const whole = this.#rows.get(key);
    this.#rows.delete(key);
    const isTold = this.#source.replicaIdentity === "full";
    const before = isTold ? whole : new Map([...row].filter(([name]) => this.#isKey(name)));
    return [
      { key, value: this.#event("d", before, undefined, lsn) },
      { key, value: null },
    ];
  }

  truncate(lsn: number): TableEvent {
    this.#rows.clear();
    return { key: null, value: this.#event("t", undefined, undefined, lsn) };
  }

  #event(op: string, before: JsonRow | undefined, after: JsonRow | undefined, lsn: number): string {
    const { format, schema, table } = this.#source;
    if (format === "flattened") {
      const added = { __deleted: String(op === "d"), __op: op, __table: table, __source_lsn: lsn };
      const row = op === "d" ? before : after;
      return jsonObject([
        ...(row === undefined ? [] : this.#entries(row)),
        ...Object.entries(added).map(([name, value]): [string, string] => [name, JSON.stringify(value)]),
      ]);
    }
    const last = op === "r" ? null : String(lsn);
    const source = {
      ...{ schema, table, lsn, sequence: JSON.stringify([last, String(lsn)]) },
      snapshot: String(op === "r"),
    };
    return jsonObject([
      ["op", JSON.stringify(op)],
      ["before", before === undefined ? "null" : jsonObject(this.#entries(before))],
      ["after", after === undefined ? "null" : jsonObject(this.#entries(after))],
      ["source", JSON.stringify(source)],
    ]);
  }

  #entries(row: JsonRow): [string, string][] {
    return this.#source.columns.map(({ name }) => [name, row.get(name) ?? "null"]);
  }

  #key(row: JsonRow): string {
    return jsonObject(this.#source.primaryKey.map((name) => [name, row.get(name) ?? "null"]));
  }

  #isKey(name: string): boolean {
    return this.#source.primaryKey.includes(name);
  }
}

function jsonObject(entries: [string, string][]): string {
  return `{${entries.map(([name, value]) => `${JSON.stringify(name)}:${value}`).join(",")}}`;
}
