/**
 * The events that tests/fixtures/capture.ts caught from the real connector, in all its modes, mean what was
 * written down when they were caused. tests/pyspark/test_fixtures.py reads the same files.
 */
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import Big from "big.js";
import { describe, expect, it } from "vitest";
import { parseColumnType } from "../../src/definition/column-type.ts";
import type { Column, ColumnType, TimestampUnit } from "../../src/definition/feature-set.ts";
import { isoOfMicros, microsOfIso } from "../../src/platform/instants.ts";
import { type ColumnValue, DigitsLost, decodeColumn } from "../../src/verify/column-values.ts";
import { EnvelopeReader } from "../../src/verify/envelope.ts";

const FOLDER = fileURLToPath(new URL("../fixtures/debezium/", import.meta.url));

type Row = Record<string, string | null>;
interface Fixture {
  description: string;
  columns: Record<string, string | { type: string; unit: TimestampUnit }>;
  events: { value: string | null; expect: { op: string | null; before: Row | null; after: Row | null } }[];
}

const fixtures = readdirSync(FOLDER).map(
  (name) => [name, JSON.parse(readFileSync(path.join(FOLDER, name), "utf8")) as Fixture] as const,
);

function columnOf(name: string, written: Fixture["columns"][string]): Column {
  return { name, type: parseColumnType(typeof written === "string" ? { type: written } : written) };
}

/** A decoded value as the fixtures write it down. */
function asText(value: ColumnValue, type: ColumnType): string | null {
  if (value === null) return null;
  if (type.kind === "timestamp") return isoOfMicros(value as bigint);
  if (type.kind === "date") return isoOfMicros((value as bigint) * 86_400_000_000n).slice(0, 10);
  if (type.kind === "decimal") return Big(String(value)).times(Big(10).pow(-type.scale)).toFixed(type.scale);
  return String(value);
}

function writtenDown(text: string | null | undefined, type: ColumnType): string | null {
  if (text === null || text === undefined) return null;
  if (type.kind === "timestamp") return isoOfMicros(microsOfIso(text) as bigint);
  return type.kind === "decimal" ? Big(text).toFixed(type.scale) : text;
}

describe.each(fixtures)("%s", (_name, { columns: written, events }) => {
  const columns = Object.entries(written).map(([name, type]) => columnOf(name, type));
  const reader = new EnvelopeReader();

  function read(value: string) {
    const bytes = Buffer.from(value);
    const decode = ({ payload, fields }: ReturnType<EnvelopeReader["read"]>) => {
      const image = (row: Record<string, unknown> | null, expected: Row | null) =>
        row &&
        Object.fromEntries(
          columns
            .filter(({ name }) => !isLost(expected, name))
            .map((column) => [
              column.name,
              asText(decodeColumn(row[column.name], column, fields.get(column.name)), column.type),
            ]),
        );
      return { op: payload.op, image, before: payload.before, after: payload.after };
    };
    return { decode, bytes };
  }

  // What the mode itself cannot carry is written down as null beside values.
  const isLost = (expected: Row | null, name: string) =>
    expected !== null && expected[name] === null && expected.amount !== null;
  const expectedOf = (row: Row | null) =>
    row &&
    Object.fromEntries(
      columns
        .filter(({ name }) => !isLost(row, name))
        .map(({ name, type }) => [name, writtenDown(row[name], type)]),
    );

  it.each(events.map((event, i) => [i, event] as const))("event %i", (_i, { value, expect: meant }) => {
    if (value === null) {
      expect(meant).toEqual({ op: null, before: null, after: null });
      return;
    }
    const { decode, bytes } = read(value);
    const check = (envelope: ReturnType<EnvelopeReader["read"]>) => {
      const { op, image, before, after } = decode(envelope);
      expect({
        op,
        before: image(before ?? null, meant.before),
        after: image(after ?? null, meant.after),
      }).toEqual({
        op: meant.op,
        before: expectedOf(meant.before),
        after: expectedOf(meant.after),
      });
    };
    try {
      check(reader.read(bytes));
    } catch (error) {
      if (!(error instanceof DigitsLost)) throw error;
      check(reader.readLossless(bytes));
    }
  });
});
