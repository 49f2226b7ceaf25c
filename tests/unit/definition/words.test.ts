/** Durations, column types and near words. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { formatColumnType, parseColumnType } from "../../../src/definition/column-type.ts";
import { DURATION_PATTERN, formatDuration, parseDuration } from "../../../src/definition/duration.ts";
import { editDistance, nearest } from "../../../src/definition/nearest.ts";

test.each([
  ["30 days", 2_592_000_000, "30 days"],
  ["1 week", 604_800_000, "7 days"],
  ["24 hours", 86_400_000, "1 day"],
  ["90  minutes", 5_400_000, "90 minutes"],
  ["1 hour", 3_600_000, "1 hour"],
  ["1500 milliseconds", 1500, "1500 milliseconds"],
  ["2000 milliseconds", 2000, "2 seconds"],
  ["0 seconds", 0, "0 days"],
])("%s is %d ms, written %s", (text, milliseconds, canonical) => {
  expect(text).toMatch(DURATION_PATTERN);
  expect(parseDuration(text)).toBe(milliseconds);
  expect(formatDuration(milliseconds)).toBe(canonical);
});

test("every whole number of milliseconds comes back from its written form", () => {
  fc.assert(
    fc.property(fc.nat(), (ms) => {
      expect(parseDuration(formatDuration(ms))).toBe(ms);
    }),
  );
  expect(() => formatDuration(0.5)).toThrow(RangeError);
});

test.each([
  [
    { type: "decimal(12, 2)" },
    { kind: "decimal", precision: 12, scale: 2, encoding: "auto" },
    "decimal(12,2)",
  ],
  [
    { type: "decimal(9)", encoding: "text" as const },
    { kind: "decimal", precision: 9, scale: 0, encoding: "text" },
    "decimal(9,0)",
  ],
  [{ type: "timestamp" }, { kind: "timestamp", unit: "micros" }, "timestamp"],
  [{ type: "timestamp", unit: "nanos" as const }, { kind: "timestamp", unit: "nanos" }, "timestamp"],
  [{ type: "date" }, { kind: "date" }, "date"],
])("column type %o", (written, type, name) => {
  expect(parseColumnType(written)).toEqual(type);
  expect(formatColumnType(parseColumnType(written))).toBe(name);
});

test.each([
  ["amuont", "amount", 1],
  ["kitten", "sitting", 3],
  ["", "abc", 3],
  ["same", "same", 0],
])("from %s to %s it is %d edits", (a, b, edits) => {
  expect(editDistance(a, b)).toBe(edits);
  expect(editDistance(b, a)).toBe(edits);
});

test("the nearest word is near", () => {
  expect(nearest("watermrk", ["window", "watermark"])).toBe("watermark");
  expect(nearest("Amount", ["amount"])).toBe("amount");
  expect(nearest("id", ["order_id", "amount"])).toBeUndefined();
});
