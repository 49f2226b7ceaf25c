/** One Kafka record of a table's topic to what it says about one row. */
import type { Column, FeatureSet } from "../definition/feature-set.ts";
import { type ColumnValue, DigitsLost, decodeColumn, numberText, Undecodable } from "./column-values.ts";
import { type Envelope, EnvelopeReader } from "./envelope.ts";

export type Decoded = RowChange | { kind: "ignored" | "dead"; because: string };

export interface RowChange {
  kind: "change";
  /** The primary key's value as text. */
  row: string;
  version: Version;
  /** Where the row is and what it holds from now on; null when it is gone or belongs to no entity. */
  after: Row | null;
  /** Where it was until now, as far as the event tells. */
  before: Place | null;
}

export interface Place {
  entity: string;
  /** Micros since 1970 UTC. */
  eventTime: bigint;
}

export interface Row extends Place {
  /** The features' inputs, in the order of `inputColumns`. */
  values: ColumnValue[];
}

/** Position in the database's log: transactions by commit, changes of a row within, a delete before its re-creation. */
export interface Version {
  commit: number | bigint;
  lsn: number | bigint;
  rank: 0 | 1;
}

export function isOlder(a: Version, b: Version): boolean {
  // Only < and > compare a number with a bigint by value.
  if (a.commit < b.commit || a.commit > b.commit) return a.commit < b.commit;
  if (a.lsn < b.lsn || a.lsn > b.lsn) return a.lsn < b.lsn;
  return a.rank < b.rank;
}

/** The columns that aggregated features read, each once. */
export function inputColumns(featureSet: FeatureSet): Column[] {
  const names = new Set(
    featureSet.features.flatMap((feature) => ("column" in feature ? [feature.column] : [])),
  );
  return featureSet.source.columns.filter(({ name }) => names.has(name));
}

/** A decoder keeps the last schema it saw, since records of a topic repeat it. */
export function eventDecoder(featureSet: FeatureSet): (value: Buffer | null) => Decoded {
  const reader = new EnvelopeReader();
  const inputs = inputColumns(featureSet).map(({ name }) => name);
  return (value) => {
    if (value === null) return { kind: "ignored", because: "a tombstone" };
    try {
      const envelope = reader.read(value);
      try {
        return decode(featureSet, inputs, envelope);
      } catch (error) {
        if (!(error instanceof DigitsLost)) throw error;
        return decode(featureSet, inputs, reader.readLossless(value));
      }
    } catch (error) {
      if (error instanceof Undecodable) return { kind: "dead", because: error.message };
      if (error instanceof SyntaxError) return { kind: "dead", because: `no JSON: ${error.message}` };
      throw error;
    }
  };
}

function decode(featureSet: FeatureSet, inputs: string[], { payload, fields }: Envelope): Decoded {
  const { source } = featureSet;
  if (payload?.source?.schema !== source.schema || payload.source.table !== source.table) {
    return { kind: "ignored", because: `no change of ${source.schema}.${source.table}` };
  }
  const { op } = payload;
  if (op === "m" || op === "t") return { kind: "ignored", because: `op ${op}` };
  if (op !== "c" && op !== "u" && op !== "r" && op !== "d")
    throw new Undecodable(`unknown op ${JSON.stringify(op)}`);

  // Of a row that is gone only its place matters.
  const values =
    op === "d"
      ? columnsOf(placeColumns(featureSet), payload.before, fields)
      : columnsOf(source.columns, payload.after, fields);
  const row = values.get(source.primaryKey);
  if (row === null || row === undefined) throw new Undecodable(`no primary key ${source.primaryKey}`);
  const change = {
    kind: "change" as const,
    row: String(row),
    version: versionOf(payload.source, op === "d" ? 0 : 1),
  };
  if (op === "d") return { ...change, after: null, before: placeOf(featureSet, values) };

  const place = placeOf(featureSet, values);
  if (place === null && values.get(featureSet.entity) !== null) {
    throw new Undecodable(`no event time ${source.eventTime}`);
  }
  const after = place === null ? null : { ...place, values: inputs.map((name) => values.get(name) ?? null) };
  return { ...change, after, before: previousPlace(featureSet, payload.before, fields) };
}

function columnsOf(columns: Column[], image: Envelope["payload"], fields: Envelope["fields"]) {
  return new Map(
    columns.map((column) => [
      column.name,
      decodeColumn(image?.[column.name], column, fields.get(column.name)),
    ]),
  );
}

function placeOf(featureSet: FeatureSet, values: Map<string, ColumnValue>): Place | null {
  const entity = values.get(featureSet.entity);
  const eventTime = values.get(featureSet.source.eventTime);
  if (entity === null || entity === undefined || typeof eventTime !== "bigint") return null;
  return { entity: String(entity), eventTime };
}

function previousPlace(
  featureSet: FeatureSet,
  before: Envelope["payload"],
  fields: Envelope["fields"],
): Place | null {
  if (before === null || before === undefined) return null;
  try {
    return placeOf(featureSet, columnsOf(placeColumns(featureSet), before, fields));
  } catch (error) {
    if (error instanceof Undecodable) return null; // it was never counted there
    throw error;
  }
}

/** The columns that tell which row it is, and to which entity and window it belongs. */
function placeColumns({ entity, source }: FeatureSet): Column[] {
  const names = [source.primaryKey, entity, source.eventTime];
  return source.columns.filter(({ name }) => names.includes(name));
}

const SEQUENCE = /^\[(?:"(\d+)"|null|"null"),"(\d+)"\]$/;

/** `sequence` holds the last commit's LSN, null in a snapshot, and an LSN that several changes may share. */
function versionOf(source: NonNullable<Envelope["payload"]>["source"], rank: 0 | 1): Version {
  const sequence = SEQUENCE.exec(
    typeof source.sequence === "string" ? source.sequence.replaceAll(" ", "") : "",
  );
  const lsn = numberText(source.lsn) ?? sequence?.[2] ?? "0";
  return { commit: exactly(sequence?.[1] ?? lsn), lsn: exactly(lsn), rank };
}

/** A number where it is exact: several times cheaper to keep and compare than a bigint. */
function exactly(digits: string): number | bigint {
  return digits.length <= 15 ? Number(digits) : BigInt(digits);
}
