/** One Kafka record of a table's topic to what it says about one row. */
import type { FeatureSet, Source } from "../definition/feature-set.ts";
import type { TopicRecord } from "../platform/kafka.ts";
import { DigitsLost, numberText, Undecodable } from "./column-values.ts";
import { type Envelope, EnvelopeReader, isObject } from "./envelope.ts";
import { isLongNumber } from "./json.ts";
import { type Image, type Place, type PlacedRow, RowReader } from "./row-reader.ts";
import { exactly, type Version } from "./version.ts";

export type Decoded = RowChange | Truncate | DeadLetter | { kind: "ignored"; because: string };

export interface DeadLetter {
  kind: "dead";
  because: string;
  op?: "c" | "r";
  committedMs?: number | null;
  /** The row that it is about, as far as that can be read. */
  row?: string[];
  /** The entity that the row would belong to. */
  entity?: string;
}

export interface RowChange {
  kind: "change";
  op: "c" | "r" | "u" | "d";
  /** The primary key's columns as text. */
  row: string[];
  version: Version;
  /** Where the row is and what it holds from now on; null when it is gone or belongs to no entity. */
  after: PlacedRow | null;
  /** Where it was until now and is no more; null when it stayed, or was nowhere as far as the event tells. */
  before: Place | null;
  /** When the database committed it, ms since 1970, where the event says so. */
  committedMs: number | null;
  /** Why what the row is now cannot be read: a dead letter, and the row counts nowhere. */
  dead?: string;
}

/** All rows of before are gone. */
export interface Truncate {
  kind: "truncate";
  version: Version;
  committedMs: number | null;
}

/** Pure but for speed: it keeps the last schema it saw, since records of a topic repeat it. */
export function eventDecoder(featureSet: FeatureSet): (record: TopicRecord) => Decoded {
  const { source } = featureSet;
  const reader = new EnvelopeReader(source.format);
  const rows = new RowReader(featureSet);
  const read = source.format === "flattened" ? readFlattened : readEnvelope;

  function decode({ payload, fields }: Envelope, offset: number): Decoded {
    const event = read(source, payload, offset);
    return typeof event === "string" ? ignored(event) : decodeEvent(featureSet, rows, event, fields);
  }

  return ({ value, offset }) => {
    if (value === null) return ignored("a tombstone");
    try {
      try {
        return decode(reader.read(value), offset);
      } catch (error) {
        if (!(error instanceof DigitsLost)) throw error;
        return decode(reader.readLossless(value), offset);
      }
    } catch (error) {
      if (error instanceof Undecodable) return { kind: "dead", because: error.message };
      if (error instanceof SyntaxError) return { kind: "dead", because: `no JSON: ${error.message}` };
      throw error;
    }
  };
}

/** An event of this table, whichever way it was written. */
interface Event {
  op: "c" | "r" | "u" | "d" | "t";
  before: Image | null;
  after: Image | null;
  commit: Version["commit"];
  lsn: Version["lsn"];
  committedMs: number | null;
}

const NEEDS_FULL = "no row before the change: the table needs REPLICA IDENTITY FULL";
const OPERATIONS = { u: "an update", d: "a delete", t: "a truncate" };

/** The rules stand in the job's order (`_verdict` in debezium.py), so that both give a record one class. */
function decodeEvent(
  { source }: FeatureSet,
  rows: RowReader,
  event: Event,
  fields: Envelope["fields"],
): Decoded {
  const { op, before, commit, lsn, committedMs } = event;
  if (source.appendOnly && op !== "c" && op !== "r") {
    throw new Undecodable(`the definition says append_only, and this is ${OPERATIONS[op]}`);
  }
  if (op === "t") return { kind: "truncate", version: { commit, lsn, rank: 0 }, committedMs };
  const isChange = op === "u" || op === "d";
  const isFull = source.replicaIdentity === "full";
  const current = op === "d" ? before : event.after;
  if (current === null || (isFull && isChange && before === null)) {
    throw new Undecodable(isChange && before === null ? NEEDS_FULL : "no row after the change");
  }
  const complete = rows.completed(current, before);
  const row = rows.key(complete, fields);
  // Without the row as it was, or with no more than its key, it was where it is: the definition's rules have seen to it.
  const old = !isChange ? null : isFull && before !== null ? before : current;
  const isOldTold = isFull && isChange && (source.format === "envelope" || op === "d");
  if (isOldTold && !rows.tellsMoreThanKey(old as Image)) throw new Undecodable(NEEDS_FULL);
  if (op === "d") {
    // Of a row that is gone only its place matters.
    const then = placeIn(rows, old, fields);
    return {
      kind: "change",
      op,
      row,
      version: { commit, lsn, rank: 0 },
      after: null,
      before: then,
      committedMs,
    };
  }
  try {
    const after = rows.row(complete, fields);
    const stayed = old !== null && after !== null && rows.isWrittenAlike(old, complete);
    const then = stayed ? null : placeIn(rows, old, fields);
    const isSame = then !== null && after !== null && rows.isSamePlace(then, after);
    return {
      kind: "change",
      op,
      row,
      version: { commit, lsn, rank: 1 },
      after,
      before: isSame ? null : then,
      committedMs,
    };
  } catch (error) {
    if (!(error instanceof Undecodable)) throw error;
    const dead = error.message;
    if (op === "u") {
      const then = placeIn(rows, old, fields);
      const version: Version = { commit, lsn, rank: -1 };
      return { kind: "change", op, row, version, after: null, before: then, committedMs, dead };
    }
    const entity = entityIn(rows, complete, fields);
    return { kind: "dead", because: dead, op, committedMs, row, ...(entity !== null && { entity }) };
  }
}

/** Or why it is none of this table. */
function readEnvelope(source: Source, payload: Envelope["payload"], offset: number): Event | string {
  if (payload === null || payload === undefined) return "no envelope";
  if (!isObject(payload)) throw new Undecodable("no event");
  const op = payload.op ?? null;
  const before = image(payload, "before");
  const after = image(payload, "after");
  if (op === null && before === null && after === null) return "no row";
  const { schema, table } = payload.source ?? {};
  if (typeof schema !== "string" || typeof table !== "string") throw new Undecodable("no schema or table");
  if (schema !== source.schema || table !== source.table)
    return `no change of ${source.schema}.${source.table}`;
  if (op === "m") return "a message";
  if (!isOperation(op)) throw new Undecodable(`unknown op ${JSON.stringify(op)}`);
  const lsn = lsnOf(payload.source) ?? String(offset);
  const commit = SEQUENCE.exec(sequenceOf(payload.source))?.[1] ?? lsn;
  const committedMs = msOf(payload.source.ts_ms);
  return { op, before, after, commit: exactly(commit), lsn: exactly(lsn), committedMs };
}

/** Rows as ExtractNewRecordState leaves them: what happened stands in added fields, and the row before nowhere. */
function readFlattened(source: Source, payload: Envelope["payload"], offset: number): Event | string {
  if (payload === null || payload === undefined) return "no row";
  if (!isObject(payload)) throw new Undecodable("no event");
  const table = payload.__table ?? payload.__source_table ?? source.table;
  if (table !== source.table) return `no change of ${source.schema}.${source.table}`;
  const isDeleted = payload.__deleted === true || payload.__deleted === "true" || payload.__op === "d";
  // Whether a row is new is not told everywhere; an update is the one that takes back.
  const op = isDeleted ? "d" : (payload.__op ?? (source.appendOnly ? "c" : "u"));
  if (op === "m") return "a message";
  if (!isOperation(op)) throw new Undecodable(`unknown op ${JSON.stringify(op)}`);
  const digits = digitsOf(payload.__source_lsn ?? payload.__lsn ?? payload["__source.lsn"]);
  const lsn = exactly(digits ?? String(offset));
  return {
    op,
    before: payload,
    after: payload,
    commit: lsn,
    lsn,
    committedMs: msOf(payload.__source_ts_ms ?? payload.__ts_ms),
  };
}

function isOperation(op: unknown): op is Event["op"] {
  return op === "c" || op === "r" || op === "u" || op === "d" || op === "t";
}

function ignored(because: string): Decoded {
  return { kind: "ignored", because };
}

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

function entityIn(rows: RowReader, image: Image, fields: Envelope["fields"]): string | null {
  try {
    return rows.entity(image, fields);
  } catch (error) {
    if (error instanceof Undecodable) return null;
    throw error;
  }
}

/** The last commit's LSN, null in a snapshot, and an LSN that several changes may share. */
const SEQUENCE = /^\[ *(?:"(\d+)"|null|"null") *, *"(\d+)" *\]$/;

function sequenceOf({ sequence }: Envelope["payload"]): string {
  return typeof sequence === "string" ? sequence : "";
}

function lsnOf(source: Envelope["payload"]): string | undefined {
  return digitsOf(source.lsn) ?? SEQUENCE.exec(sequenceOf(source))?.[2];
}

function digitsOf(raw: unknown): string | undefined {
  return typeof raw === "string" && /^\d+$/.test(raw) ? raw : numberText(raw);
}

function msOf(raw: unknown): number | null {
  if (isLongNumber(raw)) return Number(raw.$digits);
  return typeof raw === "number" ? raw : null;
}
