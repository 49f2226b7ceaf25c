import { describe, expect, test } from "vitest";
import type { ColumnType, DecimalEncoding, FeatureSet } from "../../../src/definition/feature-set.ts";
import { decodeColumn, type SchemaField, Undecodable } from "../../../src/verify/column-values.ts";
import { type Decoded, eventDecoder, type RowChange } from "../../../src/verify/debezium.ts";
import { isOlder } from "../../../src/verify/version.ts";
import { event, type Order } from "./events.ts";
import { customer, product } from "./sets.ts";

const decimal = (scale: number, encoding: DecimalEncoding = "auto", precision = 38): ColumnType => ({
  kind: "decimal",
  precision,
  scale,
  encoding,
});
const timestamp = (unit: "millis" | "micros" | "nanos" = "micros"): ColumnType => ({
  kind: "timestamp",
  unit,
});

const decode = (raw: unknown, type: ColumnType, field?: SchemaField) =>
  decodeColumn(raw, { name: "x", type }, field);

describe("decimals, in units of the last digit", () => {
  test.each([
    ["B88=", decimal(2), 1999n],
    ["nA==", decimal(2), -100n],
    ["AIA=", decimal(2), 128n],
    ["/4A=", decimal(2), -128n],
    ["AA==", decimal(2), 0n],
    ["A+c=", decimal(2), 999n],
    ["AQAAAAAAAAAA", decimal(2), 2n ** 64n],
    ["/wAAAAAAAAAA", decimal(2), -(2n ** 64n)],
    ["19.99", decimal(2), 1999n],
    ["-0.5", decimal(2), -50n],
    ["1234", decimal(2, "text"), 123400n],
    ["1.2300", decimal(2), 123n],
    ["1.5E+3", decimal(2), 150000n],
    [1234567.89, decimal(2), 123456789n],
    [-3, decimal(2), -300n],
    [{ $digits: "12345678901234567890.12" }, decimal(2), 1234567890123456789012n],
    [{ scale: 2, value: "B88=" }, decimal(2), 1999n],
    [{ scale: 0, value: "BQ==" }, decimal(2), 500n],
    [null, decimal(2), null],
  ])("%j is %j = %s", (raw, type, expected) => {
    expect(decode(raw, type)).toBe(expected);
  });

  test.each([
    ["NaN", decimal(2)],
    ["Infinity", decimal(2)],
    ["-Infinity", decimal(2)],
    ["1.234", decimal(2)],
    ["", decimal(2)],
    [".", decimal(2)],
    ["B8=", decimal(2, "precise")],
    ["19.99", decimal(2, "precise")],
    ["10000000000.00", decimal(2, "auto", 12)],
    [{ scale: 3, value: "BNI=" }, decimal(2)],
    [true, decimal(2)],
    [[1], decimal(2)],
  ])("%j is no %j", (raw, type) => {
    expect(() => decode(raw, type)).toThrow(Undecodable);
  });

  test("the event's schema tells text from base64, and the scale", () => {
    const bytes = {
      type: "bytes",
      name: "org.apache.kafka.connect.data.Decimal",
      parameters: { scale: "3" },
    };
    expect(decode("1234", decimal(0), { type: "string" })).toBe(1234n);
    expect(decode("B88=", decimal(3), bytes)).toBe(1999n);
    expect(() => decode("B88=", decimal(2), bytes)).toThrow(Undecodable); // 1.999
  });
});

describe("times, in microseconds", () => {
  const micros = 1_767_225_600_123_456n; // 2026-01-01T00:00:00.123456Z
  test.each<[unknown, ColumnType, SchemaField | undefined, bigint]>([
    ["2026-01-01T00:00:00.123456Z", timestamp(), undefined, micros],
    ["2026-01-01T02:00:00.123456+02:00", timestamp(), undefined, micros],
    ["2026-01-01T00:00:00.123456789Z", timestamp(), undefined, micros],
    ["2026-01-01T00:00:00Z", timestamp(), undefined, 1_767_225_600_000_000n],
    ["1969-12-31T23:59:59.999999Z", timestamp(), undefined, -1n],
    ["2026-01-01T00:00:00.5Z", timestamp(), undefined, 1_767_225_600_500_000n],
    ["2026-01-01 00:00:00+00", timestamp(), undefined, 1_767_225_600_000_000n],
    ["9999-12-01T00:00:00.000001Z", timestamp(), undefined, 253_399_622_400_000_001n],
    [1_767_225_600_123_456, timestamp(), undefined, micros],
    [1_767_225_600_123, timestamp("millis"), undefined, 1_767_225_600_123_000n],
    [{ $digits: "1767225600123456789" }, timestamp("nanos"), undefined, micros],
    [
      1_767_225_600_123,
      timestamp(),
      { type: "int64", name: "io.debezium.time.Timestamp" },
      1_767_225_600_123_000n,
    ],
    [
      1_767_225_600_123,
      timestamp(),
      { type: "int64", name: "org.apache.kafka.connect.data.Timestamp" },
      1_767_225_600_123_000n,
    ],
    [
      { $digits: "1767225600123456789" },
      timestamp(),
      { type: "int64", name: "io.debezium.time.NanoTimestamp" },
      micros,
    ],
    [20_454, { kind: "date" }, undefined, 20_454n],
    ["2026-01-01", { kind: "date" }, undefined, 20_454n],
    ["2026-01-01Z", { kind: "date" }, undefined, 20_454n],
  ])("%j", (raw, type, field, expected) => {
    expect(decode(raw, type, field)).toBe(expected);
  });

  test.each<[unknown, ColumnType]>([
    ["infinity", timestamp()],
    ["2026-01-01T00:00:00", timestamp()],
    ["2026-02-30T00:00:00Z", timestamp()],
    ["2026-01-01T00:00:00.Z", timestamp()],
    ["2026-01-01T00:00:00.1234567890Z", timestamp()],
    ["2026-01-01T24:00:00Z", timestamp()],
    ["2026-01-01T00:60:00Z", timestamp()],
    ["2026-01-01T00:00:6xZ", timestamp()],
    ["0000-12-31T23:59:59Z", timestamp()],
    ["+294276-12-31T23:59:59Z", timestamp()],
    [{ $digits: "9223372036825200000" }, timestamp()],
    [{ $digits: "-9223372036832400000" }, timestamp()],
    [1.5, timestamp()],
    ["infinity", { kind: "date" }],
    [2_147_483_647, { kind: "date" }],
  ])("%j is none", (raw, type) => {
    expect(() => decode(raw, type)).toThrow(Undecodable);
  });
});

describe("other columns", () => {
  test("integers keep their range", () => {
    expect(decode({ $digits: "9223372036854775807" }, { kind: "bigint" })).toBe(9_223_372_036_854_775_807n);
    expect(decode("42", { kind: "bigint" })).toBe(42n);
    expect(() => decode({ $digits: "9223372036854775808" }, { kind: "bigint" })).toThrow(Undecodable);
    expect(() => decode(2_147_483_648, { kind: "integer" })).toThrow(Undecodable);
    expect(() => decode(1.5, { kind: "integer" })).toThrow(Undecodable);
  });

  test("text and booleans", () => {
    expect(decode('a"b', { kind: "text" })).toBe('a"b');
    expect(decode(false, { kind: "boolean" })).toBe(false);
    expect(() => decode("__debezium_unavailable_value", { kind: "text" })).toThrow(Undecodable);
    expect(() => decode("yes", { kind: "boolean" })).toThrow(Undecodable);
  });
});

const order = { order_id: 1, customer_id: 7, total_amount: "B88=", created_at: "2026-01-01T00:00:00Z" };

/** Decodes values of one topic, one after the other. */
function decoderOf(set: FeatureSet = customer): (value: Buffer | null) => Decoded {
  const decode = eventDecoder(set);
  let offset = 0;
  return (value) => decode({ partition: 0, offset: offset++, timestampMs: 0, value });
}

function change(bytes: Buffer, set: FeatureSet = customer): RowChange {
  const decoded = decoderOf(set)(bytes);
  if (decoded.kind !== "change") throw new Error(JSON.stringify(decoded));
  return decoded;
}

describe("events", () => {
  test("an insert says where the row is", () => {
    expect(change(event("c", 5, { after: order }))).toEqual({
      kind: "change",
      op: "c",
      row: ["1"],
      committedMs: null,
      version: { commit: 5, lsn: 5, rank: 1 },
      after: { entity: "7", eventTime: 1_767_225_600_000_000n, values: [1999n] },
      before: null,
    });
  });

  test("a delete says where it was, whatever its other columns hold", () => {
    const before = { ...order, total_amount: "NaN" };
    expect(change(event("d", 6, { before }))).toMatchObject({
      row: ["1"],
      version: { rank: 0 },
      after: null,
      before: { entity: "7" },
    });
  });

  test("long numbers keep their digits", () => {
    const bytes = event("c", "9007199254740993", { after: order }, { sequence: '["9007199254740995","1"]' });
    const text = bytes.toString().replace('"order_id":1', '"order_id":9223372036854775807');
    const decoded = change(Buffer.from(text));
    expect(decoded.row).toEqual(["9223372036854775807"]);
    expect(decoded.version).toEqual({ commit: 9_007_199_254_740_995n, lsn: 9_007_199_254_740_993n, rank: 1 });
  });

  test("text that looks like a long number stays text", () => {
    const text = 'a: 12345678901234567890, "12345678901234567891"';
    const after = { order_id: 1, product_id: text, customer_id: 1, quantity: 1, created_at: 0 };
    const bytes = Buffer.from(
      event("c", 1, { after }).toString().replace('"created_at":0', '"created_at":1767225600123456789'),
    );
    const nanos: FeatureSet = structuredClone(product);
    nanos.source.columns = nanos.source.columns.map((column) =>
      column.name === "created_at" ? { ...column, type: { kind: "timestamp", unit: "nanos" } } : column,
    );
    expect(change(bytes, nanos).after).toMatchObject({ entity: text, eventTime: 1_767_225_600_123_456n });
  });

  test("an entity of null belongs nowhere", () => {
    const decoded = change(event("u", 6, { before: order, after: { ...order, customer_id: null } }));
    expect(decoded).toMatchObject({ after: null, before: { entity: "7" } });
  });

  test.each([
    ["a tombstone", null, "ignored"],
    ["another table", event("c", 1, { after: order }, { table: "customers" }), "ignored"],
    ["another schema", event("c", 1, { after: order }, { schema: "private" }), "ignored"],
    ["a number", Buffer.from("17"), "dead"],
    ["a message", Buffer.from('{"op":"m","source":{"schema":"public","table":"orders"}}'), "ignored"],
    ["a truncate", Buffer.from('{"op":"t","source":{"schema":"public","table":"orders"}}'), "truncate"],
    ["bad JSON", Buffer.from('{"op":'), "dead"],
    ["an unknown op", Buffer.from('{"op":"x","source":{"schema":"public","table":"orders"}}'), "dead"],
    ["no key", event("c", 1, { after: { ...order, order_id: null as unknown as number } }), "dead"],
    ["no row", event("c", 1, { after: null }), "dead"],
    ["a bad amount", event("c", 1, { after: { ...order, total_amount: "NaN" } }), "dead"],
    ["no event time", event("c", 1, { after: { ...order, created_at: null } }), "dead"],
    ["a bad event time", event("c", 1, { after: { ...order, created_at: "infinity" } }), "dead"],
  ])("%s is %3$s", (_, bytes, kind) => {
    expect(decoderOf()(bytes)).toMatchObject({ kind });
  });
});

describe("keys of several columns", () => {
  const set: FeatureSet = {
    ...product,
    entity: ["product_id", "customer_id"],
    source: { ...product.source, primaryKey: ["order_id", "created_at"] },
  };
  const sale = {
    order_id: 1,
    product_id: "a:b\\c",
    customer_id: 7,
    quantity: 2,
    created_at: "2026-01-01T00:00:00.5Z",
  };

  test("entity and row are told by all of them", () => {
    expect(change(event("c", 1, { after: sale }), set)).toMatchObject({
      row: ["1", "2026-01-01T00:00:00.500000Z"],
      after: { entity: "a\\:b\\\\c:7", values: [7n, 2n] },
    });
  });

  test("a null in any of the entity's belongs nowhere, in any of the key's is a dead letter", () => {
    const nobody = event("c", 1, { after: { ...sale, customer_id: null } });
    expect(change(nobody, set)).toMatchObject({ after: null, before: null });
    expect(decoderOf(set)(event("c", 1, { after: { ...sale, created_at: null } }))).toMatchObject({
      kind: "dead",
    });
  });

  test("a delete of a row that is all key needs nothing beside it", () => {
    const allKey: FeatureSet = {
      ...customer,
      source: { ...customer.source, primaryKey: customer.source.columns.map(({ name }) => name) },
    };
    // Decimals are no keys, so without the amount.
    allKey.source.primaryKey = ["order_id", "customer_id", "created_at"];
    allKey.source.columns = customer.source.columns.filter(({ name }) => name !== "total_amount");
    allKey.features = customer.features.filter(({ kind }) => kind === "behavioural");
    expect(change(event("d", 2, { before: order }), allKey)).toMatchObject({ before: { entity: "7" } });
  });
});

describe("large texts that an update left out", () => {
  const LEFT_OUT = "__debezium_unavailable_value";
  const set: FeatureSet = {
    ...product,
    features: [
      ...product.features,
      {
        name: "buyers",
        description: "",
        type: { kind: "text" },
        kind: "point_in_time",
        column: "note",
        window: "default",
      },
    ],
    source: {
      ...product.source,
      columns: [...product.source.columns, { name: "note", type: { kind: "text" } }],
    },
  };
  const sale = { order_id: 1, product_id: "p", customer_id: 7, quantity: 2, created_at: 0, note: "long" };
  const updated = (before: object | null, after: object, of = set) =>
    decoderOf(of)(event("u", 2, { before: before as Order | null, after: after as Order }));

  test("are those of the row before", () => {
    expect(updated(sale, { ...sale, quantity: 3, note: LEFT_OUT })).toMatchObject({
      after: { values: [7n, 3n, "long"] },
    });
    expect(updated(sale, { ...sale, product_id: LEFT_OUT })).toMatchObject({
      after: { entity: "p" },
      before: null,
    });
  });

  test.each([
    ["itself left out", { ...sale, note: LEFT_OUT }],
    ["not there", { ...sale, note: undefined }],
    ["null", { ...sale, note: null }],
  ])("where it is %s, the event is a dead letter and the row is taken back", (_, before) => {
    expect(updated(before, { ...sale, note: LEFT_OUT })).toMatchObject({
      version: { rank: -1 },
      after: null,
      before: { entity: "p" },
      dead: expect.stringContaining("note"),
    });
  });

  test("without a row before they are a dead letter", () => {
    expect(decoderOf(set)(event("c", 2, { after: { ...sale, note: LEFT_OUT } as Order }))).toMatchObject({
      kind: "dead",
      row: ["1"],
      entity: "p",
    });
  });
});

describe("replica identity default", () => {
  const set: FeatureSet = {
    ...customer,
    source: {
      ...customer.source,
      replicaIdentity: "default",
      primaryKey: ["order_id", "customer_id", "created_at"],
    },
  };

  test("an update without the row before is where it was", () => {
    expect(change(event("u", 2, { after: order }), set)).toMatchObject({
      row: ["1", "7", "2026-01-01T00:00:00Z"],
      after: { entity: "7" },
      before: null,
    });
  });

  test("one that cannot be read is taken back where it is", () => {
    const decoded = decoderOf(set)(event("u", 2, { after: { ...order, total_amount: "NaN" } }));
    expect(decoded).toMatchObject({
      after: null,
      before: { entity: "7", eventTime: 1_767_225_600_000_000n },
      version: { rank: -1 },
      dead: expect.any(String),
    });
  });

  test("a delete holds no more than the key", () => {
    const key = { order_id: 1, customer_id: 7, created_at: "2026-01-01T00:00:00Z", total_amount: null };
    expect(change(event("d", 2, { before: key }), set)).toMatchObject({
      before: { entity: "7" },
      after: null,
    });
    expect(decoderOf(set)(event("d", 2, { before: null }))).toMatchObject({ kind: "dead" });
  });
});

describe("append only", () => {
  const set: FeatureSet = { ...customer, source: { ...customer.source, appendOnly: true } };
  test.each([
    ["c", event("c", 2, { after: order }), "change"],
    ["r", event("r", 2, { after: order }), "change"],
    ["u", event("u", 2, { before: order, after: order }), "dead"],
    ["d", event("d", 2, { before: order }), "dead"],
    ["t", Buffer.from('{"op":"t","source":{"schema":"public","table":"orders"}}'), "dead"],
    ["m", Buffer.from('{"op":"m","source":{"schema":"public","table":"orders"}}'), "ignored"],
  ])("%s", (_, bytes, kind) => {
    expect(decoderOf(set)(bytes)).toMatchObject({ kind });
  });

  test("the reason names what it is", () => {
    expect(decoderOf(set)(event("d", 2, { before: order }))).toMatchObject({
      because: "the definition says append_only, and this is a delete",
    });
  });
});

describe("flattened events", () => {
  const set: FeatureSet = {
    ...customer,
    source: { ...customer.source, format: "flattened", immutable: ["customer_id", "created_at"] },
  };
  const flat = (fields: object, of = set) =>
    decoderOf(of)(Buffer.from(JSON.stringify({ ...order, ...fields })));

  test("a row is an upsert, where it is", () => {
    expect(flat({ __op: "u", __lsn: 12 })).toEqual({
      kind: "change",
      op: "u",
      row: ["1"],
      version: { commit: 12, lsn: 12, rank: 1 },
      after: { entity: "7", eventTime: 1_767_225_600_000_000n, values: [1999n] },
      before: null,
      committedMs: null,
    });
  });

  test.each([
    [{ __source_lsn: 3, __lsn: 4, "__source.lsn": 5 }, 3],
    [{ __lsn: "4", "__source.lsn": 5 }, 4],
    [{ "__source.lsn": 5 }, 5],
    [{ __lsn: null }, 17],
    [{}, 17],
  ])("version of %j", (fields, lsn) => {
    const value = Buffer.from(JSON.stringify({ ...order, ...fields }));
    const decoded = eventDecoder(set)({ partition: 0, offset: 17, timestampMs: 0, value });
    expect(decoded).toMatchObject({ version: { commit: lsn, lsn, rank: 1 } });
  });

  test.each([{ __deleted: true }, { __deleted: "true" }, { __op: "d" }])("%j is a delete", (fields) => {
    expect(flat({ ...fields, total_amount: null })).toMatchObject({
      version: { rank: 0 },
      after: null,
      before: { entity: "7", eventTime: 1_767_225_600_000_000n },
    });
  });

  test.each([
    ["another table's", { __table: "customers" }, { kind: "ignored" }],
    ["another table's", { __source_table: "customers" }, { kind: "ignored" }],
    ["this table's", { __table: "orders", __deleted: "false" }, { kind: "change", after: { entity: "7" } }],
    ["a truncate", { __op: "t", __lsn: 9 }, { kind: "truncate", version: { commit: 9, lsn: 9 } }],
    ["a snapshot's", { __op: "r" }, { kind: "change", op: "r" }],
    ["without a key", { order_id: null }, { kind: "dead" }],
    [
      "a delete that tells no more than the key",
      { __deleted: true, customer_id: null, created_at: null, total_amount: null },
      { kind: "dead" },
    ],
    [
      "unreadable",
      { total_amount: "NaN" },
      { kind: "change", after: null, before: { entity: "7" }, version: { rank: -1 } },
    ],
    ["without an entity", { customer_id: null }, { kind: "change", after: null, before: null }],
  ])("%s", (_, fields, expected) => {
    expect(flat(fields)).toMatchObject(expected);
  });

  test("null is ignored, bare or wrapped; a schema tells types", () => {
    const decode = decoderOf(set);
    expect(decode(null)).toMatchObject({ kind: "ignored" });
    expect(decode(Buffer.from('{"schema":null,"payload":null}'))).toMatchObject({ kind: "ignored" });
    const schema = {
      type: "struct",
      fields: [{ field: "created_at", type: "int64", name: "io.debezium.time.Timestamp" }],
    };
    const payload = { ...order, created_at: 1_767_225_600_123 };
    expect(decode(Buffer.from(JSON.stringify({ schema, payload })))).toMatchObject({
      after: { eventTime: 1_767_225_600_123_000n },
    });
  });

  test("appended rows may not change", () => {
    const appended: FeatureSet = { ...set, source: { ...set.source, appendOnly: true } };
    expect(flat({}, appended)).toMatchObject({ kind: "change", op: "c" });
    expect(flat({ __op: "c" }, appended)).toMatchObject({ kind: "change" });
    expect(flat({ __op: "u" }, appended)).toMatchObject({ kind: "dead" });
    expect(flat({ __deleted: true }, appended)).toMatchObject({ kind: "dead" });
    expect(flat({ __op: "t" }, appended)).toMatchObject({ kind: "dead" });
  });
});

describe("wrapped events", () => {
  const field = (name: string, rest: object) => ({ field: name, optional: true, ...rest });
  const schemaOf = (scale: string) => {
    const row = [
      field("order_id", { type: "int64" }),
      field("customer_id", { type: "int64" }),
      field("total_amount", {
        type: "bytes",
        name: "org.apache.kafka.connect.data.Decimal",
        parameters: { scale },
      }),
      field("created_at", { type: "int64", name: "io.debezium.time.Timestamp", default: ',"payload":' }),
    ];
    return { type: "struct", fields: [field("before", { fields: row }), field("after", { fields: row })] };
  };
  const wrap = (schema: unknown, bare: Buffer) =>
    Buffer.from(`{"schema":${JSON.stringify(schema)},"payload":${bare.toString()}}`);
  const after = { ...order, created_at: 1_767_225_600_123 };

  test("schema and units count, again and again, also when the schema changes", () => {
    const decoder = decoderOf();
    const inserts = ["2", "2", "1", "2"].map((scale) =>
      decoder(wrap(schemaOf(scale), event("c", 1, { after }))),
    );
    const values = inserts.map((one) => (one.kind === "change" ? one.after : one));
    const at = (amount: bigint) => ({ entity: "7", eventTime: 1_767_225_600_123_000n, values: [amount] });
    expect(values).toEqual([at(1999n), at(1999n), at(19990n), at(1999n)]);
  });

  test("what follows the payload is not mistaken for its end", () => {
    const decoder = decoderOf();
    const whole = wrap(schemaOf("2"), event("c", 1, { after }));
    expect(decoder(whole)).toMatchObject({ kind: "change" });
    expect(decoder(Buffer.from(`${whole.toString().slice(0, -1)}x`))).toMatchObject({ kind: "dead" });
    expect(decoder(Buffer.from(`${whole.toString()}  `))).toMatchObject({ kind: "change" });
    expect(decoder(whole.subarray(0, -1))).toMatchObject({ kind: "dead" });
  });

  test("a wrapped tombstone is ignored", () => {
    expect(decoderOf()(Buffer.from('{"schema":null,"payload":null}'))).toMatchObject({
      kind: "ignored",
    });
  });
});

describe("versions", () => {
  const version = (commit: number | bigint, lsn: number | bigint, rank: 0 | 1 = 1) => ({ commit, lsn, rank });
  test("order by commit, then by place in the log, then delete before create", () => {
    expect(isOlder(version(1, 9), version(2, 3))).toBe(true);
    expect(isOlder(version(2, 3), version(2, 4n))).toBe(true);
    expect(isOlder(version(2, 3, 0), version(2, 3, 1))).toBe(true);
    expect(isOlder(version(2n ** 60n, 1), version(5, 1))).toBe(false);
    expect(isOlder(version(2, 3), version(2, 3n))).toBe(false);
  });

  test.each([
    ['["10","12"]', 12, { commit: 10, lsn: 12 }],
    ['[null,"12"]', 12, { commit: 12, lsn: 12 }],
    ['["10","12"]', 13, { commit: 10, lsn: 13 }],
    [null, 12, { commit: 12, lsn: 12 }],
    ['[ "10" , "12" ]', 13, { commit: 10, lsn: 13 }],
    // Without any the place in the topic has to do.
    [null, "null", { commit: 0, lsn: 0 }],
  ])("sequence %s, lsn %s", (sequence, lsn, expected) => {
    expect(change(event("c", lsn, { after: order }, { sequence })).version).toMatchObject(expected);
  });
});
