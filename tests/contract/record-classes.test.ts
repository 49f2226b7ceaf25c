/**
 * Both languages put every record into the same class, so that what the job counted is what verify expects.
 * tests/pyspark/test_classification.py reads the same file.
 */
import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { type Decoded, eventDecoder } from "../../src/verify/debezium.ts";
import { customer } from "../unit/verify/sets.ts";

interface Case {
  value?: string | null;
  base64?: string;
  class: "applied" | "ignored" | "dead_letter";
}

const { records } = JSON.parse(
  readFileSync(new URL("../fixtures/record-classes.json", import.meta.url), "utf8"),
) as { records: Case[] };

/** A change that neither enters nor leaves any entity is what the job calls ignored. */
function classOf(decoded: Decoded): Case["class"] {
  if (decoded.kind === "change") {
    if (decoded.dead !== undefined) return "dead_letter";
    return decoded.after === null && decoded.before === null ? "ignored" : "applied";
  }
  return { truncate: "applied", dead: "dead_letter", ignored: "ignored" }[decoded.kind] as Case["class"];
}

it.each(records.map((record, i) => [i, record] as const))("record %i", (_i, record) => {
  const text = record.base64 ?? record.value ?? null;
  const bytes = text === null ? null : Buffer.from(text, record.base64 === undefined ? "utf8" : "base64");
  expect(classOf(eventDecoder(customer)({ partition: 0, offset: 0, timestampMs: 0, value: bytes }))).toBe(
    record.class,
  );
});
