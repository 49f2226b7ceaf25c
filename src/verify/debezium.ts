/** One Kafka record of a table's topic to what it says about one row. */
import type { FeatureSet } from "../definition/feature-set.ts";
import { DigitsLost, numberText, Undecodable } from "./column-values.ts";
import { type Envelope, EnvelopeReader } from "./envelope.ts";
import { type Place, type Row, RowReader } from "./row-reader.ts";

export type Decoded = RowChange | { kind: "ignored" | "dead"; because: string };

export interface RowChange {
  kind: "change";
  /** The primary key's value as text. */
  row: string;
  version: Version;
  /** Where the row is and what it holds from now on; null when it is gone or belongs to no entity. */
  after: Row | null;
  /** Where it was until now, as far as the event tells; the same object as `after` for a row that stayed. */
  before: Place | null;
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

/** A decoder keeps the last schema it saw, since records of a topic repeat it. */
export function eventDecoder(featureSet: FeatureSet): (value: Buffer | null) => Decoded {
  const reader = new EnvelopeReader();
  const rows = new RowReader(featureSet);
  return (value) => {
    if (value === null) return { kind: "ignored", because: "a tombstone" };
    try {
      const envelope = reader.read(value);
      try {
        return decode(featureSet, rows, envelope);
      } catch (error) {
        if (!(error instanceof DigitsLost)) throw error;
        return decode(featureSet, rows, reader.readLossless(value));
      }
    } catch (error) {
      if (error instanceof Undecodable) return { kind: "dead", because: error.message };
      if (error instanceof SyntaxError) return { kind: "dead", because: `no JSON: ${error.message}` };
      throw error;
    }
  };
}

function decode({ source }: FeatureSet, rows: RowReader, { payload, fields }: Envelope): Decoded {
  if (payload?.source?.schema !== source.schema || payload.source.table !== source.table) {
    return { kind: "ignored", because: `no change of ${source.schema}.${source.table}` };
  }
  const { op, before, after } = payload;
  if (op === "m" || op === "t") return { kind: "ignored", because: `op ${op}` };
  if (op === "d") {
    const row = rows.key(before, fields);
    // Of a row that is gone only its place matters.
    return {
      kind: "change",
      row,
      version: versionOf(payload.source, 0),
      after: null,
      before: rows.place(before, fields),
    };
  }
  if (op !== "c" && op !== "u" && op !== "r") throw new Undecodable(`unknown op ${JSON.stringify(op)}`);
  const row = rows.key(after, fields);
  const now = rows.row(after, fields);
  const isSame = before !== null && before !== undefined && rows.isSamePlace(before, after);
  const then = isSame ? now : previousPlace(rows, before, fields);
  return { kind: "change", row, version: versionOf(payload.source, 1), after: now, before: then };
}

function previousPlace(
  rows: RowReader,
  before: Envelope["payload"],
  fields: Envelope["fields"],
): Place | null {
  try {
    return rows.place(before, fields);
  } catch (error) {
    if (error instanceof Undecodable) return null; // it was never counted there
    throw error;
  }
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
