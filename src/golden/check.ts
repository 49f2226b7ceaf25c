/** What the cases of a file mean for their feature set: records as Kafka would hold them, and values to compare. */
import type { Finding, Path } from "../definition/diagnostics.ts";
import {
  type Column,
  entityText,
  type FeatureSet,
  type FeatureType,
  isAsOfNow,
} from "../definition/feature-set.ts";
import { nearest } from "../definition/nearest.ts";
import { microsOfIso, msOfMicros } from "../platform/instants.ts";
import { columnsNamed } from "../stores/rows.ts";
import type { FeatureValue } from "../stores/values.ts";
import { featureTypes } from "./feature-types.ts";
import type { Expected, GoldenBatch, GoldenCase, GoldenRecord } from "./golden-case.ts";
import { columnJson, featureValue, keyTextOf, type Scalar } from "./scalars.ts";
import { type JsonRow, Table, type TableEvent } from "./table.ts";
import type {
  WrittenCase,
  WrittenChange,
  WrittenExpectation,
  WrittenRow,
  WrittenScalar,
  WrittenTests,
} from "./written.ts";

export type GoldenFinding = Finding & { rule: string };

const CHANGES = ["insert", "update", "delete", "snapshot", "truncate", "event", "batch"] as const;
const OPERATIONS = { insert: "c", update: "u", snapshot: "r" } as const;

/** Collects findings; what it returns is of use only when there are none. */
export class Checker {
  readonly findings: GoldenFinding[] = [];
  readonly #featureSet: FeatureSet;
  readonly #digitsAt: (path: Path) => string | undefined;
  readonly #columns: Map<string, Column>;
  readonly #types: Map<string, FeatureType>;

  /** `digitsAt` gives a number as it was written. */
  constructor(featureSet: FeatureSet, digitsAt: (path: Path) => string | undefined) {
    this.#featureSet = featureSet;
    this.#digitsAt = digitsAt;
    this.#columns = new Map(featureSet.source.columns.map((column) => [column.name, column]));
    this.#types = featureTypes(featureSet);
  }

  cases({ cases }: WrittenTests): GoldenCase[] {
    const names = new Set<string>();
    return cases.map((written, i) => {
      const path = ["cases", i];
      if (names.has(written.name))
        this.#report([...path, "name"], "duplicate-name", `two cases are named ${written.name}`);
      names.add(written.name);
      return {
        name: written.name,
        asOfMs: msOf(written.as_of),
        batches: this.#batches(written, path),
        expected: written.expect.map((one, j) => this.#expected(one, [...path, "expect", j])),
      };
    });
  }

  #batches({ given, as_of }: WrittenCase, path: Path): GoldenBatch[] {
    const table = new Table(this.#featureSet);
    const endMs = msOf(as_of);
    const batches: GoldenBatch[] = [];
    let events: (TableEvent & { timestampMs: number | undefined })[] = [];
    let offset = 0;
    let lastMs = Number.NEGATIVE_INFINITY;
    const end = (asOfMs: number) => {
      const records = events.map(({ key, value, timestampMs = asOfMs }, i): GoldenRecord => {
        return { offset: offset - events.length + i, timestampMs, key, value };
      });
      if (records.length > 0) batches.push({ asOfMs, records });
      events = [];
    };
    given.forEach((change, i) => {
      const at = [...path, "given", i];
      const kind = this.#kindOf(change, at);
      if (kind === undefined) return;
      if (kind === "batch") {
        const asOfMs = typeof change.batch === "string" ? msOf(change.batch) : endMs;
        if (asOfMs < lastMs || asOfMs > endMs)
          this.#report(
            [...at, "batch"],
            "time-order",
            "batches are computed one after the other, up to as_of",
          );
        lastMs = asOfMs;
        end(asOfMs);
        return;
      }
      const timestampMs = change.timestamp === undefined ? undefined : msOf(change.timestamp);
      for (const event of this.#eventsOf(kind, change, at, { table, offset })) {
        events.push({ ...event, timestampMs });
        offset += 1;
      }
    });
    end(endMs);
    return batches;
  }

  #kindOf(change: WrittenChange, path: Path): (typeof CHANGES)[number] | undefined {
    const kinds = CHANGES.filter((kind) => kind in change);
    if (kinds.length === 1) return kinds[0];
    const message = kinds.length === 0 ? "this says no change" : `this is ${kinds.join(" and ")} at once`;
    this.#report(path, "one-change", message, { allowed: CHANGES });
    return undefined;
  }

  /** A row's changes stand in the log at their own offsets, which are their LSNs, too. */
  #eventsOf(
    kind: Exclude<(typeof CHANGES)[number], "batch">,
    change: WrittenChange,
    path: Path,
    { table, offset }: { table: Table; offset: number },
  ): TableEvent[] {
    if (kind === "event") return [rawEvent(change.event)];
    if (kind === "truncate") return [table.truncate(offset)];
    const row = this.#row(change[kind] as WrittenRow, [...path, kind], kind);
    if (row === undefined) return [];
    const isThere = table.has(row);
    if (kind === "insert" && isThere)
      this.#report([...path, kind], "row-exists", "a row with this primary key is there; update it");
    if ((kind === "update" || kind === "delete") && !isThere)
      this.#report([...path, kind], "no-row", "no row with this primary key is there; insert it first");
    if (kind === "delete") return table.delete(row, offset);
    return [table.put(OPERATIONS[kind], row, offset)];
  }

  /** Undefined when something is wrong with it. */
  #row(written: WrittenRow, path: Path, kind: string): JsonRow | undefined {
    const before = this.findings.length;
    const { primaryKey } = this.#featureSet.source;
    for (const name of primaryKey) {
      if ((written[name] ?? null) === null)
        this.#report(path, "missing-key", `the primary key "${name}" is missing`);
    }
    const row = new Map<string, string>();
    for (const [name, value] of Object.entries(written)) {
      const column = this.#columns.get(name);
      if (column === undefined) {
        this.#unknown([...path, name], `${name} is not among source.columns`, [...this.#columns.keys()]);
      } else if (kind === "delete" && !primaryKey.includes(name)) {
        const message = `a delete says which row, by ${primaryKey.join(" and ")}`;
        this.#report([...path, name], "unknown-key", message, { atKey: true });
      } else {
        const json = columnJson(this.#scalar(value, [...path, name]), column.type);
        if (json === undefined) this.#wrongValue([...path, name], value, column.type.kind);
        else row.set(name, json);
      }
    }
    return this.findings.length === before ? row : undefined;
  }

  #expected(written: WrittenExpectation, path: Path): Expected {
    return {
      entity: this.#entity(written.entity, [...path, "entity"]),
      windowStart: this.#windowStart(written, path),
      features: this.#features(written.features, [...path, "features"]),
    };
  }

  #entity(written: WrittenExpectation["entity"], path: Path): string {
    const columns = columnsNamed(this.#featureSet, this.#featureSet.entity);
    const isMapping = typeof written === "object";
    if (!isMapping && columns.length > 1) {
      const names = columns.map(({ name }) => name).join(" and ");
      this.#report(path, "wrong-value", `an entity is a mapping of ${names}`);
      return "";
    }
    for (const name of isMapping ? Object.keys(written) : []) {
      const names = columns.map((column) => column.name);
      if (!names.includes(name)) this.#unknown([...path, name], `${name} is no column of the entity`, names);
    }
    const texts = columns.map(({ name, type }) => {
      const at = isMapping ? [...path, name] : path;
      const value = isMapping ? (written[name] ?? null) : written;
      const text = keyTextOf(this.#scalar(value, at), type);
      if (value === null) this.#report(at, "missing-key", `"${name}" is missing`);
      else if (text === undefined) this.#wrongValue(at, value, type.kind);
      return text ?? "";
    });
    return entityText(texts);
  }

  #windowStart({ window_start }: WrittenExpectation, path: Path): number | undefined {
    if (window_start === undefined) return undefined;
    const at = [...path, "window_start"];
    if (isAsOfNow(this.#featureSet))
      this.#report(at, "as-of-now", `${this.#featureSet.name} has one row per entity, as of now`, {
        atKey: true,
      });
    return msOf(window_start);
  }

  #features(written: WrittenExpectation["features"], path: Path): Map<string, FeatureValue> | undefined {
    if (written === "none") return undefined;
    const values = new Map<string, FeatureValue>();
    for (const [name, value] of Object.entries(written)) {
      const type = this.#types.get(name);
      if (type === undefined) {
        const message = `${name} is no feature of ${this.#featureSet.name}`;
        this.#unknown([...path, name], message, [...this.#types.keys()]);
        continue;
      }
      const expected = featureValue(this.#scalar(value, [...path, name]), type);
      if (expected === undefined) this.#wrongValue([...path, name], value, type.kind);
      else values.set(name, expected);
    }
    return values;
  }

  #scalar(value: WrittenScalar, path: Path): Scalar {
    return { value, digits: typeof value === "number" ? this.#digitsAt(path) : undefined };
  }

  #wrongValue(path: Path, value: unknown, kind: string): void {
    this.#report(path, "wrong-value", `${JSON.stringify(value)} is no ${kind}`);
  }

  #unknown(path: Path, message: string, allowed: string[]): void {
    const suggestion = nearest(String(path.at(-1)), allowed);
    this.#report(path, "unknown-key", message, { atKey: true, allowed, suggestion });
  }

  #report(path: Path, rule: string, message: string, more: Partial<Finding> = {}): void {
    this.findings.push({ path, rule, message, ...more });
  }
}

/** A text is the value itself, which need not be JSON. */
function rawEvent(event: unknown): TableEvent {
  const value = event === null || typeof event === "string" ? event : JSON.stringify(event);
  return { key: null, value };
}

function msOf(iso: string): number {
  return msOfMicros(microsOfIso(iso) as bigint);
}
