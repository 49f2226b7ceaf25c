/** One Kafka record of a table's topic to what it says about one row. */
import type { FeatureSet } from "../definition/feature-set.ts";
import { DigitsLost, numberText, Undecodable } from "./column-values.ts";
import { type Envelope, EnvelopeReader, isObject } from "./envelope.ts";
import { type Image, type Place, type Row, RowReader } from "./row-reader.ts";

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
  /** Why what the row is now cannot be read: a dead letter, and the row counts nowhere. */
  dead?: string;
}

/**
 * Position in the database's log: transactions by commit, changes of a row within, a delete before its re-creation. What
 * cannot be read comes before all, since it may be a spoilt copy of a good event.
 */
export interface Version {
  commit: number | bigint;
  lsn: number | bigint;
  rank: -1 | 0 | 1;
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

/** The rules stand in the job's order (`_verdict` in debezium.py), so that both give a record one class. */
function decode({ source }: FeatureSet, rows: RowReader, { payload, fields }: Envelope): Decoded {
  if (payload === null || payload === undefined) return { kind: "ignored", because: "no envelope" };
  if (!isObject(payload)) throw new Undecodable("no event");
  const op = payload.op ?? null;
  const before = image(payload, "before");
  const after = image(payload, "after");
  if (op === null && before === null && after === null) return { kind: "ignored", because: "no row" };
  const { schema, table } = payload.source ?? {};
  if (typeof schema !== "string" || typeof table !== "string") throw new Undecodable("no schema or table");
  if (schema !== source.schema || table !== source.table) {
    return { kind: "ignored", because: `no change of ${source.schema}.${source.table}` };
  }
  if (op === "m" || op === "t") return { kind: "ignored", because: `op ${op}` };
  if (op !== "c" && op !== "r" && op !== "u" && op !== "d") {
    throw new Undecodable(`unknown op ${JSON.stringify(op)}`);
  }
  if ((op === "u" || op === "d") && before === null) throw new Undecodable(NEEDS_FULL);
  const current = op === "d" ? before : after;
  if (current === null) throw new Undecodable("no row after the change");
  const row = rows.key(current, fields);
  const old = op === "u" || op === "d" ? before : null;
  if (old !== null && !rows.tellsMoreThanKey(old)) throw new Undecodable(NEEDS_FULL);
  if (op === "d") {
    // Of a row that is gone only its place matters.
    const version = versionOf(payload.source, 0);
    return { kind: "change", row, version, after: null, before: placeIn(rows, old, fields) };
  }
  try {
    const now = rows.row(current, fields);
    const isSame = old !== null && rows.isSamePlace(old, current);
    const then = isSame ? now : placeIn(rows, old, fields);
    return { kind: "change", row, version: versionOf(payload.source, 1), after: now, before: then };
  } catch (error) {
    if (!(error instanceof Undecodable) || op !== "u") throw error;
    const version = versionOf(payload.source, -1);
    return {
      kind: "change",
      row,
      version,
      after: null,
      before: placeIn(rows, old, fields),
      dead: error.message,
    };
  }
}

const NEEDS_FULL = "no row before the change: the table needs REPLICA IDENTITY FULL";

function image(payload: Record<string, unknown>, name: "before" | "after"): Image | null {
  const found = payload[name] ?? null;
  if (found !== null && !isObject(found)) throw new Undecodable(`${name} is no row`);
  return found;
}

/** Null for a row that was never counted anywhere. */
function placeIn(rows: RowReader, image: Image | null, fields: Envelope["fields"]): Place | null {
  if (image === null) return null;
  try {
    return rows.place(image, fields);
  } catch (error) {
    if (error instanceof Undecodable) return null;
    throw error;
  }
}

const SEQUENCE = /^\[(?:"(\d+)"|null|"null"),"(\d+)"\]$/;

/** `sequence` holds the last commit's LSN, null in a snapshot, and an LSN that several changes may share. */
function versionOf(source: Envelope["payload"], rank: Version["rank"]): Version {
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
