/**
 * Both languages make the same of a JSON value in a column. `decodes` has the values that can be decoded and what they
 * are, decimals as a whole number with an exponent; all others are dead letters. tests/pyspark/test_decoding.py reads
 * the same file.
 */
import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { parseColumnType, type WrittenColumnType } from "../../src/definition/column-type.ts";
import { isoDate, isoOfMicros } from "../../src/platform/instants.ts";
import { eventDecoder } from "../../src/verify/debezium.ts";
import { customer } from "../unit/verify/sets.ts";

interface Odd {
  values: string[];
  columns: (WrittenColumnType & { decodes: Record<string, string> })[];
}

const { values, columns } = JSON.parse(
  readFileSync(new URL("../fixtures/odd-values.json", import.meta.url), "utf8"),
) as Odd;

it.each(columns)("in a column of $type $unit $encoding", ({ decodes, ...written }) => {
  const type = parseColumnType(written);
  const decode = eventDecoder({
    ...customer,
    source: { ...customer.source, columns: [...customer.source.columns, { name: "odd", type }] },
    features: [
      {
        name: "values",
        description: "",
        type: { kind: "bigint" },
        kind: "aggregated",
        window: "default",
        aggregate: "count_distinct",
        column: "odd",
      },
    ],
  });
  const found: Record<string, string> = {};
  for (const value of values) {
    const row = `{"order_id":1,"customer_id":5,"created_at":"2026-11-20T00:00:00Z","odd":${value}}`;
    const event = `{"op":"c","after":${row},"source":{"schema":"public","table":"orders"}}`;
    const decoded = decode({ partition: 0, offset: 0, timestampMs: 0, value: Buffer.from(event) });
    if (decoded.kind === "dead") continue;
    const odd = decoded.kind === "change" ? decoded.after?.values.at(-1) : undefined;
    if (type.kind === "date") found[value] = isoDate(odd as bigint);
    else if (type.kind === "timestamp") found[value] = isoOfMicros(odd as bigint);
    else found[value] = type.kind === "decimal" ? `${odd}e-${type.scale}` : String(odd);
  }
  expect(found).toEqual(decodes);
});
