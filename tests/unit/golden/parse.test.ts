import { describe, expect, it } from "vitest";
import { SHOPPER } from "../definition/shopper.ts";
import { featureSet, fileOf, ROW, read, told } from "./shopper.ts";

describe("what is wrong with a file of golden tests", () => {
  it.each([
    ["", "1:1: there are no golden tests in this file [empty-file]"],
    ["- a\n", "1:1: golden tests are a mapping with feature_set and cases as its keys [wrong-value]"],
    ["feature_set: shopper\ncase: []\n", '2:1: a file of golden tests has no "case" [unknown-key] → cases'],
    [fileOf(["inser: {}"]), '6:9: a change has no "inser" [unknown-key] → insert'],
    [fileOf(["timestamp: 2026-11-20T10:00:00Z"]), "6:9: this says no change [one-change]"],
    [fileOf(["{ truncate: true, event: null }"]), "6:9: this is truncate and event at once [one-change]"],
    [
      fileOf(["batch: tomorrow"]),
      "6:16: a batch ends with true, or with the time that it is computed at [wrong-value]",
    ],
    [
      fileOf(["batch: 2026-11-22T00:00:00Z"]),
      "6:16: batches are computed one after the other, up to as_of [time-order]",
    ],
    [
      fileOf(["insert: { order_id: [1] }"]),
      "6:29: a value is a number, a text, true, false or null [wrong-value]",
    ],
    [fileOf(["insert: { customer_id: 5 }"]), '6:17: the primary key "order_id" is missing [missing-key]'],
    [
      fileOf(["insert: { order_id: 1, custmer_id: 5 }"]),
      "6:32: custmer_id is not among source.columns [unknown-key] → customer_id",
    ],
    [fileOf(["insert: { order_id: 1.5 }"]), "6:29: 1.5 is no bigint [wrong-value]"],
    [fileOf(["insert: { order_id: 1, amount: 1.005 }"]), "6:40: 1.005 is no decimal [wrong-value]"],
    [
      fileOf(["insert: { order_id: 1, amount: 10000000000 }"]),
      "6:40: 10000000000 is no decimal [wrong-value]",
    ],
    [fileOf(["insert: { order_id: 1, created_at: 2026-02-30T00:00:00Z }"]), /^6:44: .* is no timestamp/],
    [fileOf([`update: ${ROW}`]), "6:17: no row with this primary key is there; insert it first [no-row]"],
    [
      fileOf(["delete: { order_id: 1 }"]),
      "6:17: no row with this primary key is there; insert it first [no-row]",
    ],
    [
      fileOf([`insert: ${ROW}`, `insert: ${ROW}`]),
      "7:17: a row with this primary key is there; update it [row-exists]",
    ],
    [
      fileOf([`insert: ${ROW}`, "delete: { order_id: 1, amount: 10 }"]),
      "7:32: a delete says which row, by order_id [unknown-key]",
    ],
    [
      fileOf([], ["{ entity: 5, features: { order: 1 } }"]),
      "7:34: order is no feature of shopper [unknown-key] → orders",
    ],
    [fileOf([], ["{ entity: 5, features: { orders: many } }"]), '7:42: "many" is no bigint [wrong-value]'],
    [fileOf([], ["{ entity: 5, features: { is_rich: 1 } }"]), "7:43: 1 is no boolean [wrong-value]"],
    [fileOf([], ["{ entity: five, features: none }"]), '7:19: "five" is no bigint [wrong-value]'],
    [
      fileOf([], ["{ entity: { customer: 5 }, features: none }"]),
      "7:21: customer is no column of the entity [unknown-key]",
    ],
    [
      fileOf([], ["{ entity: 5, features: nothing }"]),
      "7:32: features are a mapping of names to values, or none for an entity without a row [wrong-value]",
    ],
  ])("%#: %j", (text, message) => {
    expect(told(text)).toContainEqual(typeof message === "string" ? message : expect.stringMatching(message));
  });

  it("is that two cases have one name", () => {
    const one = fileOf([]).split("\n").slice(2, -1).join("\n");
    expect(told(`${fileOf([])}${one}\n`)).toEqual(["8:11: two cases are named one [duplicate-name]"]);
  });

  it("is a window's start where there is one row per entity, as of now", () => {
    const rolling = featureSet(SHOPPER.replace("type: tumbling", "type: rolling"));
    const text = fileOf([], ["{ entity: 5, features: none, window_start: 2026-11-03T00:00:00Z }"]);
    expect(told(text)).toEqual([]);
    expect(told(text, rolling)).toEqual(["7:38: shopper has one row per entity, as of now [as-of-now]"]);
  });
});

describe("the records of a case", () => {
  function records(given: string[], definition = SHOPPER) {
    const { cases, diagnostics } = read(fileOf(given), featureSet(definition));
    expect(diagnostics).toEqual([]);
    return (cases[0]?.batches ?? []).flatMap((batch) => batch.records);
  }
  const value = (text: string | null | undefined) => (text == null ? text : JSON.parse(text));

  it("are Debezium's events of its changes, each with the row as it was", () => {
    const [insert, update, gone, tombstone] = records([
      `insert: ${ROW}`,
      "update: { order_id: 1, customer_id: 6, amount: -1.00 }",
      "delete: { order_id: 1 }",
    ]);
    const before = { order_id: 1, customer_id: 5, amount: "A+g=", created_at: "2026-11-20T10:00:00Z" };
    const after = { order_id: 1, customer_id: 6, amount: "nA==", created_at: null };
    expect(value(insert?.value)).toMatchObject({ op: "c", before: null, after: before });
    expect(value(update?.value)).toMatchObject({
      op: "u",
      before,
      after,
      source: { schema: "public", table: "orders", lsn: 1, sequence: '["1","1"]' },
    });
    expect(value(gone?.value)).toMatchObject({ op: "d", before: after, after: null });
    expect(tombstone).toMatchObject({ offset: 3, key: '{"order_id":1}', value: null });
  });

  it("are as of their batch, unless they say otherwise", () => {
    const { cases } = read(
      fileOf([
        "batch: true",
        "event: not json",
        "batch: 2026-11-20T00:00:00.001Z",
        "event: { op: m }",
        "{ event: null, timestamp: 2026-11-19T00:00:00Z }",
      ]),
    );
    const day = Date.parse("2026-11-20T00:00:00Z");
    expect(cases[0]?.batches).toEqual([
      { asOfMs: day + 1, records: [{ offset: 0, timestampMs: day + 1, key: null, value: "not json" }] },
      {
        asOfMs: day + 36 * 3_600_000,
        records: [
          { offset: 1, timestampMs: day + 36 * 3_600_000, key: null, value: '{"op":"m"}' },
          { offset: 2, timestampMs: day - 24 * 3_600_000, key: null, value: null },
        ],
      },
    ]);
  });

  it("keep every digit", () => {
    const [record] = records(["insert: { order_id: 9007199254740993 }"]);
    expect(record?.value).toContain('"order_id":9007199254740993');
  });

  it("tell no more than the table's replica identity lets them", () => {
    const byKey = SHOPPER.replace(
      "  event_time: created_at",
      "  event_time: created_at\n  replica_identity: default",
    ).replace("primary_key: order_id", "primary_key: [order_id, customer_id, created_at]");
    const all = records(
      [
        `insert: ${ROW}`,
        `update: ${ROW}`,
        "delete: { order_id: 1, customer_id: 5, created_at: 2026-11-20T10:00:00Z }",
      ],
      byKey,
    );
    expect(value(all[1]?.value)).toMatchObject({ op: "u", before: null });
    expect(value(all[2]?.value)).toMatchObject({
      op: "d",
      before: { order_id: 1, customer_id: 5, amount: null, created_at: "2026-11-20T10:00:00Z" },
    });
  });

  it("are flattened where the definition says so", () => {
    const flattened = SHOPPER.replace(
      "  event_time: created_at",
      "  event_time: created_at\n  format: flattened\n  immutable: [customer_id, created_at]",
    );
    const all = records([`snapshot: ${ROW}`, "delete: { order_id: 1 }"], flattened);
    expect(value(all[0]?.value)).toMatchObject({
      order_id: 1,
      amount: "A+g=",
      __op: "r",
      __deleted: "false",
    });
    expect(value(all[1]?.value)).toMatchObject({ order_id: 1, customer_id: 5, __op: "d", __deleted: "true" });
  });
});
