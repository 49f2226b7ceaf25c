/** Which rows are in which period, what they are compared by, and what is not compared. */
import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { EnvironmentError } from "../../../src/errors.ts";
import { driftBetween, IN_CURRENT, IN_REFERENCE, NOW, period, setOf, store, times } from "./store.ts";

const WHOLE = { kind: "bigint" } as const;

/** Of a store with these rows, those of each period by their values: means of one row each. */
function means({ features }: Awaited<ReturnType<ReturnType<typeof store>["drift"]>>) {
  const summary = features[0]?.summary;
  return [summary?.reference.mean, summary?.current.mean];
}

describe("periods", () => {
  it("end now and where the current one begins, unless told", async () => {
    const { write, drift } = store(setOf({ spend: WHOLE }));
    await write("1.parquet", [
      { entity: 1, event: "2026-10-05T23:59:59.999999Z", values: [1] },
      { entity: 2, event: "2026-10-06T00:00:00Z", values: [2] },
      { entity: 3, event: "2026-11-02T23:59:59.999999Z", values: [4] },
      { entity: 4, event: "2026-11-03T00:00:00Z", values: [8] },
      { entity: 5, event: "2026-11-09T23:59:59.999999Z", values: [16] },
      { entity: 6, event: "2026-11-10T00:00:00Z", values: [32] },
    ]);
    const found = await drift();
    expect(found).toMatchObject({
      name: "customer",
      reference: { from: "2026-10-06T00:00:00Z", to: "2026-11-03T00:00:00Z", rows: 2 },
      current: { from: "2026-11-03T00:00:00Z", to: "2026-11-10T00:00:00Z", rows: 2 },
    });
    expect(means(found)).toEqual([3, 12]);
  });

  it("are those that are given; the reference is before the current one", async () => {
    const { write, drift } = store(setOf({ spend: WHOLE }));
    await write("1.parquet", [{ entity: 1, event: IN_REFERENCE, values: [1] }]);
    const current = period("2026-10-20T00:00:00Z", "2026-10-21T00:00:00Z");
    expect(await drift({ current })).toMatchObject({
      reference: { from: "2026-09-22T00:00:00Z", to: "2026-10-20T00:00:00Z", rows: 0 },
      current: { from: "2026-10-20T00:00:00Z", to: "2026-10-21T00:00:00Z", rows: 1 },
    });
    // Also where they overlap.
    expect(await drift({ current, reference: current })).toMatchObject({
      reference: { rows: 1 },
      current: { rows: 1 },
    });
  });
});

describe("rows", () => {
  const SPEND = setOf({ spend: WHOLE });

  it("are the newest of their window in each period", async () => {
    const { write, drift } = store(SPEND);
    await write("2.parquet", [
      { entity: 1, event: IN_REFERENCE, batch: 2, values: [2] },
      { entity: 1, event: IN_CURRENT, batch: 2, values: [5], created: "2026-11-09T00:00:01Z" },
      { entity: 1, event: IN_CURRENT, batch: 2, values: [4], created: "2026-11-09T00:00:00Z" },
    ]);
    await write("1.parquet", [
      { entity: 1, event: IN_REFERENCE, batch: 1, values: [1] },
      { entity: 1, event: IN_CURRENT, batch: 1, values: [3] },
    ]);
    const found = await drift();
    expect(means(found)).toEqual([2, 5]);
    expect(found).toMatchObject({ reference: { rows: 1 }, current: { rows: 1 } });
  });

  it("of two windows of an entity are two, but one in a set as of now", async () => {
    const rows = (values: number[]) =>
      values.flatMap((value, i) =>
        [IN_REFERENCE, IN_CURRENT].map((event) => ({
          entity: 1,
          event,
          window: `2026-10-0${i + 1}T00:00:00Z`,
          batch: i,
          values: [value],
        })),
      );
    const windowed = store(SPEND);
    await windowed.write("1.parquet", rows([1, 2]));
    expect(await windowed.drift()).toMatchObject({ reference: { rows: 2 }, current: { rows: 2 } });
    const asOfNow = store(setOf({ spend: WHOLE }, {}, [{ kind: "unbounded", name: "default" }]));
    await asOfNow.write("1.parquet", rows([1, 2]));
    const found = await asOfNow.drift();
    expect(found).toMatchObject({ reference: { rows: 1 }, current: { rows: 1 } });
    expect(means(found)).toEqual([2, 2]);
  });

  it("of a window that is gone count in no period, until it is back", async () => {
    const { write, drift } = store(SPEND);
    await write("1.parquet", [
      { entity: 1, event: IN_REFERENCE, batch: 1, values: [1] },
      { entity: 1, event: IN_CURRENT, batch: 1, values: [1] },
      { entity: 2, event: IN_REFERENCE, batch: 1, values: [2] },
      { entity: 2, event: IN_CURRENT, batch: 3, values: [3] },
    ]);
    await write("2.parquet", [
      { entity: 1, event: null, batch: 2 },
      { entity: 2, event: null, batch: 2 },
    ]);
    const found = await drift();
    expect(found).toMatchObject({ reference: { rows: 0 }, current: { rows: 1 } });
  });

  it("in files that are not the store's are none", async () => {
    const { write, drift } = store(SPEND);
    await write("1.parquet", [{ entity: 1, event: IN_CURRENT, values: [1] }]);
    for (const other of ["_2.parquet", ".3.parquet", "_quarantine/4.parquet"])
      await write(other, [{ entity: 2, event: IN_CURRENT, values: [1] }]);
    expect(await drift()).toMatchObject({ current: { rows: 1 } });
  });
});

describe("windows", () => {
  const window = (start: string, end: string) => ({ window: `${start}T00:00:00Z`, end: `${end}T00:00:00Z` });
  const rows = [
    { entity: 1, ...window("2026-10-02", "2026-10-06"), event: "2026-10-05T00:00:00Z", values: [1] },
    { entity: 1, ...window("2026-10-06", "2026-10-10"), event: "2026-10-07T00:00:00Z", values: [2] },
    { entity: 1, ...window("2026-10-30", "2026-11-03"), event: "2026-10-31T00:00:00Z", values: [4] },
    // Began in the reference period, and ended in the current one.
    { entity: 1, ...window("2026-10-31", "2026-11-04"), event: "2026-11-01T00:00:00Z", values: [8] },
    { entity: 1, ...window("2026-11-06", "2026-11-10"), event: "2026-11-06T00:00:00Z", values: [16] },
    // Still filling.
    { entity: 1, ...window("2026-11-07", "2026-11-11"), event: "2026-11-07T00:00:00Z", values: [32] },
  ];

  it("that finished in a period count by their end, with their newest row of all times", async () => {
    const { write, drift } = store(setOf({ spend: WHOLE }, { windows: "finished" }));
    await write("1.parquet", rows);
    const last = rows[4] as (typeof rows)[0];
    await write("2.parquet", [
      { ...last, batch: 2, event: "2026-11-10T00:00:00Z", values: [18] },
      { entity: 2, ...window("2026-11-05", "2026-11-09"), batch: 1, event: IN_CURRENT, values: [9] },
      { entity: 2, ...window("2026-11-05", "2026-11-09"), batch: 2, event: null },
    ]);
    const found = await drift();
    expect(found).toMatchObject({
      windows: "finished",
      reference: { rows: 2, filling: 0 },
      current: { rows: 2, filling: 1 },
    });
    expect(means(found)).toEqual([3, 13]);
  });

  it("that the history may begin in the midst of are left out, and it is said", async () => {
    const { write, drift } = store(setOf({ spend: WHOLE }, { windows: "finished" }));
    const first = { entity: 1, ...window("2026-10-10", "2026-11-09"), values: [1] };
    const overlapping = { entity: 2, ...window("2026-11-08", "2026-11-09"), values: [2] };
    const event = "2026-11-08T00:00:00Z";
    await write("1.parquet", [
      { ...first, event },
      { ...overlapping, event },
    ]);
    expect(await drift()).toMatchObject({
      current: { rows: 0 },
      features: [
        {
          verdict: "not compared",
          reasons: [
            expect.stringContaining("the reference period has 0 rows of windows that finished in it"),
            expect.stringContaining("the current period has 0 rows of windows that finished in it"),
          ],
        },
      ],
    });
    await write("2.parquet", [{ ...overlapping, ...window("2026-11-09", "2026-11-10"), event }]);
    expect(await drift()).toMatchObject({ current: { rows: 1 } });
  });

  it("that are still filling count by their latest event where all do, and are told", async () => {
    const { write, drift } = store(setOf({ spend: WHOLE }, { windows: "finished" }));
    await write("1.parquet", rows);
    const found = await drift({ windows: "all" });
    expect(found).toMatchObject({
      windows: "all",
      reference: { rows: 3, filling: 1 },
      current: { rows: 2, filling: 1 },
    });
    expect(means(found)).toEqual([14 / 3, 24]);
  });
});

describe("features", () => {
  it("are those that the definition names, under any name", async () => {
    const names = ["value", "bin", "r", "c", "reference", "current", "left_out"];
    const types = Object.fromEntries(names.map((name) => [name, WHOLE]));
    const { write, drift } = store(setOf(types, { features: names.slice(0, -1) }));
    const rows = [IN_REFERENCE, IN_CURRENT].flatMap((event) =>
      [1, 2, 3].map((entity) => ({ entity, event, values: names.map((_, i) => entity * i) })),
    );
    await write("1.parquet", rows);
    const { features } = await drift();
    expect(features.map(({ feature }) => feature)).toEqual(names.slice(0, -1));
    for (const [i, { summary, psi, ks }] of features.entries()) {
      expect([summary?.current.mean, psi, ks]).toEqual([2 * i, 0, 0]);
    }
  });
});

describe("what is not compared", () => {
  it("has too few rows in a period", async () => {
    const found = (reference: number, current: number) =>
      driftBetween(WHOLE, times([reference, 1]), times([current, 9]), { minRows: 3 });
    expect(await found(3, 3)).toMatchObject({ verdict: "drifted" });
    expect(await found(3, 2)).toMatchObject({
      verdict: "not compared",
      reasons: ["the current period has 2 rows and needs 3"],
      psi: null,
      histogram: null,
    });
    expect(await found(2, 0)).toMatchObject({
      reasons: ["the reference period has 2 rows and needs 3", "the current period has 0 rows and needs 3"],
    });
  });

  it("has no store", async () => {
    expect(await store(setOf({ spend: WHOLE })).drift()).toMatchObject({
      reference: { rows: 0 },
      current: { rows: 0 },
      features: [
        {
          feature: "spend",
          verdict: "not compared",
          reasons: ["there is nothing in the offline store"],
        },
      ],
    });
  });
});

describe("a file that cannot be used", () => {
  it("is named, with the reason", async () => {
    const { folder, write, drift } = store(setOf({ spend: WHOLE }));
    await write("1.parquet", [{ entity: 1, event: IN_CURRENT, values: [1] }]);
    writeFileSync(path.join(folder, "2.parquet"), "no Parquet");
    await expect(drift()).rejects.toThrow(EnvironmentError);
    await expect(drift()).rejects.toThrow(/customer_features\/2\.parquet cannot be used: /);
  });

  it("is named where its columns can be told, but not its values", async () => {
    const { folder, write, drift } = store(setOf({ spend: WHOLE }));
    await write("1.parquet", [{ entity: 1, event: IN_CURRENT, values: [1] }]);
    await write("2.parquet", [{ entity: 2, event: IN_CURRENT, values: [1] }]);
    const file = path.join(folder, "2.parquet");
    // Values come first in a file, what tells of its columns comes last.
    const bytes = readFileSync(file);
    writeFileSync(file, bytes.fill(0xff, 4, 200));
    await expect(drift()).rejects.toThrow(/customer_features\/2\.parquet cannot be used: /);
  });

  it("is named where it lacks a feature", async () => {
    const root = store(setOf({ other: WHOLE }));
    await root.write("1.parquet", [{ entity: 1, event: IN_CURRENT, values: [1] }]);
    const offlineRoot = path.dirname(root.folder);
    await expect(store(setOf({ spend: WHOLE })).drift({ offlineRoot, now: NOW })).rejects.toThrow(
      /1\.parquet cannot be used: it has no column spend/,
    );
  });
});
