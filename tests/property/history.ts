/**
 * Random histories of a table's rows, and the events that Debezium would write of them; some that it would not. Plain data, so
 * that fast-check can shrink a history without knowing how it came about.
 */
import fc from "fast-check";
import { isoOfMicros } from "../../src/platform/instants.ts";

/** Rows and customers are numbers of three that a history has to itself. */
export type Operation =
  /** Inserts the row, or updates the one that is there; `minutesAgo` of null keeps the event time. */
  | {
      kind: "write";
      row: number;
      customer: number | null;
      cents: number | null;
      minutesAgo: number | null;
    }
  /** A new primary key: a delete and an insert at one place in the log. */
  | { kind: "rekey"; row: number; to: number }
  | { kind: "delete"; row: number; tombstone: boolean }
  /** All rows once more, as an incremental snapshot reads them. */
  | { kind: "snapshot" }
  /** The newest events of the history once more, as after a restart of the connector. */
  | { kind: "resend"; events: number }
  | { kind: "junk"; value: string }
  /**
   * An event that fits nothing else: it contradicts what others say of the row, or is from further back in the log. Of rows of its own,
   * whose event time stays: an event that says nothing of where its row was leaves it there, see docs/semantics.md.
   */
  | {
      kind: "odd";
      op: "c" | "u" | "d" | "r";
      row: number;
      customer: number;
      before: number | null;
      behind: number;
    };

/** The operations of each micro-batch. */
export type History = Operation[][];

const ODD_ORDERS = 1_000_000;
const ODD_MINUTES_AGO = [0, 45, 1_500];
export const BATCHES = 4;
export const ROWS = 3;

const row = fc.nat({ max: ROWS - 1 });
const minutesAgo = fc.constantFrom(
  ...[0, 1, 29, 30, 31, 59, 60, 61, 300, 1_439, 1_440, 1_441, 2_880, 2_881, 4_320, 8_700, 50_000],
);
const write = fc.record({
  kind: fc.constant("write" as const),
  row,
  customer: fc.option(row, { freq: 12 }),
  cents: fc.option(fc.integer({ min: -500, max: 50_000 }), { freq: 8 }),
  minutesAgo: fc.option(minutesAgo, { freq: 3 }),
});
const operation: fc.Arbitrary<Operation> = fc.oneof(
  { weight: 10, arbitrary: write },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("rekey" as const), row, to: row }) },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant("delete" as const), row, tombstone: fc.boolean() }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("snapshot" as const) }) },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant("resend" as const), events: fc.integer({ min: 1, max: 4 }) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant("junk" as const),
      value: fc.constantFrom('{"op":', "[]", "7", '{"op":"x","source":{"schema":"public","table":"orders"}}'),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant("odd" as const),
      op: fc.constantFrom("c" as const, "u" as const, "d" as const, "r" as const),
      row,
      customer: row,
      before: fc.option(row),
      behind: fc.nat({ max: 6 }),
    }),
  },
);

export const history: fc.Arbitrary<History> = fc.array(fc.array(operation, { maxLength: 5 }), {
  minLength: 1,
  maxLength: BATCHES,
});

export interface Row {
  orderId: number;
  customerId: number | null;
  cents: number | null;
  createdMs: number;
}

/** Of a history as of some table, which decides about names and the form of events. */
export interface TableForm {
  format: "envelope" | "flattened";
  /** Names of the row's columns. */
  row(row: Row): Record<string, unknown>;
  schema: string;
  table: string;
  /** Whether a row may go to another customer or time. */
  moves: boolean;
  /** Only ever inserted into. Without rows in the state nothing tells a record that comes twice, so none does. */
  appendOnly: boolean;
}

export interface Played {
  /** Of each batch the values in the order of the log; null is a tombstone. */
  batches: (string | null)[][];
  /** The table in the end. */
  rows: Row[];
  /** Every customer and event time of any event. */
  customers: number[];
  timesMs: number[];
  /** Nothing but what a table can do, so that `rows` tell the features. */
  isPlain: boolean;
}

/** Writes down the events of a history whose rows and customers are counted from `firstId`; batch `i` is at `timesMs[i]`. */
export function play(history: History, form: TableForm, firstId: number, timesMs: number[]): Played {
  const rows = new Map<number, Row>();
  const sent: (string | null)[] = [];
  const seen = { customers: new Set<number>(), timesMs: new Set<number>() };
  let lsn = 1_000;
  let isPlain = true;
  const note = (one: Row) => {
    if (one.customerId !== null) seen.customers.add(one.customerId);
    seen.timesMs.add(one.createdMs);
  };
  const event = (op: string, before: Row | null, after: Row | null, at = lsn) => {
    for (const one of [before, after]) if (one !== null) note(one);
    sent.push(
      form.format === "flattened"
        ? flattened(form, op, before, after, at)
        : envelope(form, op, before, after, at),
    );
  };
  const batches = history.map((operations, batch) => {
    const first = sent.length;
    const now = timesMs[batch] as number;
    const timeOf = (minutes: number) => now - minutes * 60_000;
    for (const operation of operations) {
      lsn += 10;
      if (form.appendOnly && !mayBeInLog(operation, rows)) continue;
      switch (operation.kind) {
        case "write": {
          const old = rows.get(operation.row) ?? null;
          const fixed = old !== null && !form.moves;
          const next: Row = {
            orderId: firstId + operation.row,
            customerId: fixed
              ? old.customerId
              : operation.customer === null
                ? null
                : firstId + operation.customer,
            cents: operation.cents,
            createdMs:
              old !== null && (fixed || operation.minutesAgo === null)
                ? old.createdMs
                : timeOf(operation.minutesAgo ?? 0),
          };
          rows.set(operation.row, next);
          event(old === null ? "c" : "u", old, next);
          break;
        }
        case "rekey": {
          const old = rows.get(operation.row);
          if (old === undefined || rows.has(operation.to)) break;
          const next = { ...old, orderId: firstId + operation.to };
          rows.delete(operation.row);
          rows.set(operation.to, next);
          event("d", old, null);
          sent.push(null);
          event("c", null, next);
          break;
        }
        case "delete": {
          const old = rows.get(operation.row);
          if (old === undefined) break;
          rows.delete(operation.row);
          event("d", old, null);
          if (operation.tombstone) sent.push(null);
          break;
        }
        case "snapshot":
          for (const one of rows.values()) event("r", null, one);
          break;
        case "resend":
          sent.push(...sent.slice(-operation.events));
          break;
        case "junk":
          sent.push(operation.value);
          break;
        case "odd": {
          isPlain = false;
          const odd = (customer: number): Row => ({
            orderId: ODD_ORDERS + firstId + operation.row,
            customerId: firstId + customer,
            cents: 7 + operation.behind,
            createdMs: (timesMs[0] as number) - (ODD_MINUTES_AGO[operation.row] as number) * 60_000,
          });
          const before = operation.before === null ? null : odd(operation.before);
          const after = operation.op === "d" ? null : odd(operation.customer);
          event(operation.op, before, after, lsn - operation.behind * 10 - 5);
          break;
        }
      }
    }
    return sent.slice(first);
  });
  return {
    batches,
    rows: [...rows.values()],
    customers: [...seen.customers],
    timesMs: [...seen.timesMs],
    isPlain,
  };
}

/** Updates and deletes may, too: they are dead letters. */
function mayBeInLog(operation: Operation, rows: ReadonlyMap<number, Row>): boolean {
  if (operation.kind === "write") return !rows.has(operation.row);
  if (operation.kind === "odd") return operation.op === "u" || operation.op === "d";
  return operation.kind === "junk";
}

function envelope(form: TableForm, op: string, before: Row | null, after: Row | null, lsn: number): string {
  const image = (row: Row | null) => row && form.row(row);
  const source = {
    schema: form.schema,
    table: form.table,
    lsn,
    sequence: JSON.stringify([String(lsn), String(lsn)]),
  };
  return JSON.stringify({ before: image(before), after: image(after), source, op });
}

/** As ExtractNewRecordState with rewritten deletes. */
function flattened(form: TableForm, op: string, before: Row | null, after: Row | null, lsn: number): string {
  const row = after ?? before;
  return JSON.stringify({
    ...(row && form.row(row)),
    __deleted: String(op === "d"),
    __op: op,
    __lsn: lsn,
    __table: form.table,
  });
}

export function iso(ms: number): string {
  return isoOfMicros(BigInt(ms) * 1_000n);
}
