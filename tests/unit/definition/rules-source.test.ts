/** Keys of several columns, and what a table's events do not tell of a row as it was. */
import { describe, expect, test } from "vitest";
import { guestWith, problemsOf, shopperWith } from "./shopper.ts";

const shopper = (changes: Record<string, string>) => problemsOf(shopperWith(changes));
const guest = (changes: Record<string, string>) => problemsOf(guestWith(changes), "guest.yaml");

describe("keys", () => {
  test("each column of a key is looked at, at its own place", () => {
    expect(
      guest({
        "entity: [region, guest_id]": "entity: [region, 7, region, gest_id, price, arrived_at]",
        "primary_key: [region, stay_id]": "primary_key:\n    - region\n    - price\n    - stay_di",
      }),
    ).toEqual([
      "3:18 wrong-value: 7 cannot be the name of a column",
      "3:21 repeated-column: region is already in this list",
      "3:29 unknown-column: gest_id is not among source.columns → guest_id",
      "3:38 column-type: price is a decimal, which cannot be the entity",
      "3:45 column-type: arrived_at is a timestamp, which cannot be the entity",
      "8:7 column-type: price is a decimal, which cannot be the primary key",
      "9:7 unknown-column: stay_di is not among source.columns → stay_id",
    ]);
  });

  test("a list of none is refused, and no guess is made about what is unused", () => {
    expect(guest({ "entity: [region, guest_id]": "entity: []" })).toEqual([
      '3:9 wrong-value: "entity" is empty',
    ]);
  });

  test("columns of the entity are nobody else's names", () => {
    expect(guest({ "  stays_1h:": "  region:" })).toEqual([
      "26:3 duplicate-name: region is already a column of the entity",
    ]);
    expect(
      guest({
        "entity: [region, guest_id]": "entity: [batch_id, _row]",
        "    region: text\n": "    region: text\n    batch_id: bigint\n    _row: bigint\n",
        "    guest_id: bigint\n": "",
      }),
    ).toEqual([
      "3:10 reserved-name: batch_id is a column of every offline store and cannot be the entity",
      "3:20 reserved-name: columns that begin with _ are the jobs' own, and _row cannot be the entity",
    ]);
  });

  test.each(["bigint", "integer", "text", "boolean", "date", "timestamp"])(
    "a primary key may be a %s",
    (type) => {
      expect(shopper({ "order_id: bigint": `order_id: ${type}` })).toEqual([]);
    },
  );

  test.each(["bigint", "integer", "text", "boolean", "date"])("an entity may be a %s", (type) => {
    expect(shopper({ "customer_id: bigint": `customer_id: ${type}` })).toEqual([]);
  });

  test("immutable names columns that there are", () => {
    expect(
      shopper({ "  event_time": "  immutable: [customer_id, created, customer_id]\n  event_time" }),
    ).toEqual([
      "7:28 unknown-column: created is not among source.columns",
      "7:37 repeated-column: customer_id is already in this list",
    ]);
  });

  test("a column that is only said to be immutable is read by nothing", () => {
    expect(
      shopper({
        "  event_time": "  immutable: [status]\n  event_time",
        "    order_id:": "    status: text\n    order_id:",
      }),
    ).toEqual(["10:5 unused-column: no feature reads status; leave it out"]);
  });
});

const option = (text: string) => ({ "  primary_key": `  ${text}\n  primary_key` });

describe("replica identity default", () => {
  const problem = (at: string, columns: string) =>
    `${at} replica-identity: with replica identity default a delete holds the primary key only, so that nothing would tell where its row was counted: ${columns} would have to be in primary_key. Run ALTER TABLE public.orders REPLICA IDENTITY FULL and leave replica_identity out`;

  test("needs entity and event time in the primary key", () => {
    expect(shopper(option("replica_identity: default"))).toEqual([
      problem("6:21", "customer_id and created_at"),
    ]);
    const key = { "primary_key: order_id": "primary_key: [order_id, customer_id]" };
    expect(shopper({ ...option("replica_identity: default"), ...key })).toEqual([
      problem("6:21", "created_at"),
    ]);
  });

  test("does not believe immutable, which deletes do not hold", () => {
    expect(shopper(option("replica_identity: default\n  immutable: [customer_id, created_at]"))).toEqual([
      problem("6:21", "customer_id and created_at"),
    ]);
  });

  test("is fine with both in it", () => {
    const key = { "primary_key: order_id": "primary_key: [order_id, customer_id, created_at]" };
    expect(shopper({ ...option("replica_identity: default"), ...key })).toEqual([]);
  });

  test("needs no event time where all of time counts", () => {
    const changes = {
      "primary_key: order_id": "primary_key: [order_id, customer_id]",
      "  type: tumbling\n  length: 30 days\n": "  type: unbounded\n",
    };
    expect(shopper({ ...option("replica_identity: default"), ...changes })).toEqual([]);
  });

  test("is fine where rows are only appended", () => {
    expect(shopper(option("replica_identity: default\n  append_only: true"))).toEqual([]);
  });
});

describe("flattened rows", () => {
  const problem = (at: string, columns: string) =>
    `${at} flattened-rows: a flattened update does not hold its row as it was, so that nothing would tell where it was counted: ${columns} would have to be in primary_key, or in immutable if a row never changes them. Else send the envelope, without ExtractNewRecordState, after ALTER TABLE public.orders REPLICA IDENTITY FULL`;

  test("need entity and event time not to change", () => {
    expect(shopper(option("format: flattened"))).toEqual([problem("6:11", "customer_id and created_at")]);
    expect(shopper(option("format: flattened\n  immutable: customer_id"))).toEqual([
      problem("6:11", "created_at"),
    ]);
  });

  test("are fine where they do not", () => {
    expect(shopper(option("format: flattened\n  immutable: [customer_id, created_at]"))).toEqual([]);
    const key = { "primary_key: order_id": "primary_key: [order_id, created_at]" };
    expect(shopper({ ...option("format: flattened\n  immutable: customer_id"), ...key })).toEqual([]);
  });

  test("need no event time where all of time counts", () => {
    const unbounded = { "  type: tumbling\n  length: 30 days\n": "  type: unbounded\n" };
    expect(shopper({ ...option("format: flattened\n  immutable: customer_id"), ...unbounded })).toEqual([]);
  });

  test("are fine where rows are only appended", () => {
    expect(shopper(option("format: flattened\n  append_only: true"))).toEqual([]);
  });

  test("with replica identity default both are told", () => {
    const rules = shopper(option("format: flattened\n  replica_identity: default")).map(
      (problem) => problem.split(/[ :]+/)[2],
    );
    expect(rules).toEqual(["flattened-rows", "replica-identity"]);
  });
});

test("nothing is said about places while the key is wrong", () => {
  const changes = {
    "primary_key: order_id": "primary_key: [order id]",
    ...option("replica_identity: default"),
  };
  expect(shopper(changes)).toEqual(['7:17 wrong-value: "order id" cannot be the name of a column']);
});
