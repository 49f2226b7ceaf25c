import { expect, test } from "vitest";
import type { Manifest } from "../../../src/stores/manifests.ts";
import { chainOf, checkBatches, nameOf } from "../../../src/verify/batches.ts";

const manifest = (offsets: Record<string, [number, number]>): Manifest => ({
  batch_id: Object.values(offsets).reduce((sum, [, end]) => sum + end, 0),
  file: null,
  rows: 0,
  bytes: 0,
  sha256: null,
  offsets,
  watermark_ms: 0,
});

const ids = (manifests: Manifest[]) => chainOf(manifests).map(({ batch_id }) => batch_id);

test("batches follow each other by their offsets, in whatever order they are listed", () => {
  expect(ids([manifest({ 0: [5, 9] }), manifest({ 0: [0, 2] }), manifest({ 0: [2, 5] })])).toEqual([2, 5, 9]);
  expect(ids([])).toEqual([]);
});

test("all partitions have to meet; one that is new begins at 0", () => {
  const first = manifest({ 0: [0, 2] });
  expect(ids([first, manifest({ 0: [2, 3], 1: [0, 4] })])).toEqual([2, 7]);
  expect(ids([first, manifest({ 0: [2, 3], 1: [1, 4] })])).toEqual([7]);
});

test("a rebuild leaves the batches of the checkpoint before aside", () => {
  const earlier = [manifest({ 0: [0, 4] }), manifest({ 0: [4, 6] })];
  expect(ids([...earlier, manifest({ 0: [0, 5] }), manifest({ 0: [5, 9] })])).toEqual([5, 9]);
});

test("what ageing wrote is no batch", () => {
  const aged: Manifest = { ...manifest({ 0: [0, 4] }), aged: true, offsets: {} };
  expect(ids([manifest({ 0: [0, 4] }), aged, manifest({ 0: [4, 6] })])).toEqual([4, 6]);
  expect(ids([manifest({ 0: [0, 4] }), { ...aged, batch_id: 9 }])).toEqual([4]);
});

test("a gap is found, but not where the log itself begins later", () => {
  const store = {
    files: [],
    strangers: [],
    manifests: [manifest({ 0: [3, 7] })].map((one) => ({ name: nameOf(one), manifest: one })),
  };
  expect(checkBatches(store, new Map([[0, 3]]))).toEqual([]);
  expect(checkBatches(store, new Map([[0, 2]]))).toMatchObject([
    { kind: "missing", expected: "2", actual: "3" },
  ]);
  expect(checkBatches(store, undefined)).toMatchObject([{ kind: "missing", expected: "0", actual: "3" }]);
});

test.each<[string, Partial<Manifest>, string, string]>([
  ["an end that is not the batch's", { offsets: { 0: [0, 8] } }, "7", "says batch 7, its offsets end at 8"],
  ["another batch's name", {}, "8", "says batch 7, which is not its name"],
  [
    "another batch's file",
    { file: `${"8".padStart(20, "0")}.parquet`, bytes: 1, sha256: "x" },
    "7",
    "names the file 00000000000000000008.parquet",
  ],
  [
    "no checksum",
    { file: `${"7".padStart(20, "0")}.parquet`, bytes: 1, sha256: null },
    "7",
    "says neither size",
  ],
])("a manifest with %s does not agree with itself", (_, changed, name, because) => {
  const one = { ...manifest({ 0: [0, 7] }), ...changed };
  const manifests = [{ name: `${name.padStart(20, "0")}.json`, manifest: one }];
  const found = checkBatches({ files: [], strangers: [], manifests }, undefined);
  expect(found.map((difference) => difference.because).join("\n")).toContain(because);
});
