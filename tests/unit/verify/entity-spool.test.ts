import os from "node:os";
import { expect, test } from "vitest";
import type { FeatureSet } from "../../../src/definition/feature-set.ts";
import { partitionsOf } from "../../../src/platform/spool.ts";
import type { OfflineRow } from "../../../src/stores/offline.ts";
import type { Element } from "../../../src/verify/elements.ts";
import { EntitySpool, Gatherer } from "../../../src/verify/entity-spool.ts";
import { customer, product } from "./sets.ts";

const now: FeatureSet = { ...customer, windows: [{ kind: "unbounded", name: "default" }] };

const row = (batchId: bigint, createdTimestamp: bigint | null, slot = 0): OfflineRow => ({
  entity: "7",
  slot,
  windowStart: null,
  windowEnd: -1n,
  eventTimestamp: 9_999_999_999_999_999n,
  createdTimestamp,
  batchId,
  isDeleted: false,
  features: JSON.stringify(["1", "2.50", null, "3", "true", "false"]),
});

/** Batch, time of creation and copies of the row that is kept. */
function newest(set: FeatureSet, rows: OfflineRow[]): unknown[] {
  using spool = new EntitySpool(set, os.tmpdir());
  for (const one of rows) spool.row(one);
  return [...spool.entities()].flatMap((gathered) =>
    gathered.rows.map(({ batchId, createdTimestamp, copies }) => [batchId, createdTimestamp, copies]),
  );
}

test("the newest row is that of the newest batch, and of the latest ageing or backfill in it", () => {
  const rows = [row(4n, 9n), row(5n, 1n), row(5n, 3n), row(5n, 2n), row(5n, null)];
  for (const order of [rows, rows.toReversed()]) {
    for (const set of [now, customer]) expect(newest(set, order)).toEqual([[5n, 3n, 1]]);
  }
  for (const set of [now, customer]) expect(newest(set, [row(5n, 3n), row(5n, 3n)])).toEqual([[5n, 3n, 2]]);
  expect(newest(customer, [row(5n, 3n, 0), row(5n, 3n, 1)])).toEqual([
    [5n, 3n, 1],
    [5n, 3n, 1],
  ]);
});

const element: Element = {
  key: ["1", 'a"b'],
  eventTime: -62_135_596_800_000_000n,
  values: [9_223_372_036_854_775_807n, null],
  version: { commit: 2n ** 62n, lsn: 17, rank: -1 },
  isGone: false,
  batch: 3,
  partition: 2,
  offset: 5_000_000_000,
};
const sales: FeatureSet = {
  ...product,
  source: { ...product.source, primaryKey: ["order_id", "product_id"] },
};

test("what goes in comes out by entity, from memory and from the disk, in one part or several", () => {
  using spool = new EntitySpool(sales, os.tmpdir());
  const entities = Array.from({ length: 40 }, (_, i) => `entity ${i} ${"é\u{1F600}".repeat(20)}`);
  const fill = () => {
    for (const entity of entities) {
      spool.element(entity, element);
      spool.element(entity, { ...element, isGone: true, values: [] });
      spool.hash({ entity, part: "features", hash: { json: '["a","1"]', expires: true } });
      spool.hash({ entity, part: "companion", hash: { problem: "WRONGTYPE" } });
    }
  };
  fill();
  expect(spool.isLarge).toBe(false);
  const [first] = spool.entities();
  expect(first).toMatchObject({
    elements: [element, { ...element, isGone: true, values: [] }],
    features: { fields: new Map([["a", "1"]]), expires: true },
    companion: { hash: { problem: "WRONGTYPE" } },
    rows: [],
    before: [],
    held: [],
  });
  for (let i = 0; i < 60; i += 1) fill();
  expect(spool.isLarge).toBe(true);
  const all = [...spool.entities()];
  expect(new Set(all.map(({ entity }) => entity))).toEqual(new Set(entities));
  expect(all.every(({ elements }) => elements.length === 122)).toBe(true);
  const parts = spool.parts(3).map((part) => [...new Gatherer(sales).entities(partitionsOf(part))]);
  expect(
    parts
      .flat()
      .map(({ entity }) => entity)
      .sort(),
  ).toEqual(entities.toSorted());
  expect(parts.flat().every(({ elements }) => elements.length === 122)).toBe(true);
});
