/** Texts, booleans and dates by their values; timestamps by their nulls. */
import { describe, expect, it } from "vitest";
import { driftBetween, times } from "./store.ts";

describe("a text", () => {
  const TEXT = { kind: "text" } as const;

  it("is compared by category, the most frequent first", async () => {
    const found = await driftBetween(
      TEXT,
      times([50, "new"], [40, "it's"], [10, null]),
      times([20, "new"], [60, "it's"], [10, "back\\slash"], [10, null]),
    );
    // 0.5 → 0.2, 0.4 → 0.6, nothing (0.0001) → 0.1; nulls as they were.
    const expected =
      (0.2 - 0.5) * Math.log(0.2 / 0.5) +
      (0.6 - 0.4) * Math.log(0.6 / 0.4) +
      (0.1 - 0.0001) * Math.log(0.1 / 0.0001);
    expect(found.psi).toBeCloseTo(expected, 12);
    expect(found).toMatchObject({
      kind: "text",
      ks: null,
      zeroRate: null,
      summary: null,
      verdict: "drifted",
    });
    expect(found.histogram).toEqual({
      categories: ["it's", "new", "back\\slash"],
      reference: [0.4, 0.5, 0],
      current: [0.6, 0.2, 0.1],
      other: { reference: 0, current: 0 },
      nulls: { reference: 0.1, current: 0.1 },
    });
  });

  it("has twenty categories, of both periods together, and one for the rest", async () => {
    const usual = Array.from({ length: 19 }, (_, i) => `usual ${i}`).flatMap((text) => times([2, text]));
    const found = await driftBetween(
      TEXT,
      [...usual, ...times([1, "a"], [1, "b"])],
      [...usual, ...times([2, "c"])],
    );
    expect(found.histogram).toMatchObject({
      categories: expect.arrayContaining(["usual 0", "usual 18", "c"]),
      other: { reference: 2 / 40, current: 0 },
      nulls: { reference: 0, current: 0 },
    });
    // "c" comes with 0.05, and the rest goes with as much.
    expect(found.psi).toBeCloseTo(2 * (0.05 - 0.0001) * Math.log(0.05 / 0.0001), 12);
  });

  it("that is as it was has not drifted, and an empty one is no null", async () => {
    const values = [...times([5, ""], [3, "null"], [2, null])];
    const found = await driftBetween(TEXT, values, values);
    expect(found).toMatchObject({ psi: 0, verdict: "fine", nullRate: { reference: 0.2, current: 0.2 } });
  });

  it("of nothing but nulls has no category", async () => {
    const found = await driftBetween(TEXT, [null], [null]);
    expect(found).toMatchObject({ psi: 0, verdict: "fine", histogram: { categories: [], reference: [] } });
  });
});

describe("a boolean", () => {
  it("is two categories", async () => {
    const found = await driftBetween(
      { kind: "boolean" },
      times([90, false], [10, true]),
      times([60, false], [40, true]),
    );
    const expected = -0.3 * Math.log(0.6 / 0.9) + 0.3 * Math.log(0.4 / 0.1);
    expect(found.psi).toBeCloseTo(expected, 12);
    expect(found).toMatchObject({
      reasons: ["psi 0.54 is above 0.2"],
      histogram: { categories: ["false", "true"], reference: [0.9, 0.1], current: [0.6, 0.4] },
    });
  });
});

describe("a date", () => {
  it("is compared by its nulls alone, since many dates move with the period", async () => {
    const found = await driftBetween({ kind: "date" }, times([4, "2026-10-03"]), times([4, "2026-11-03"]));
    expect(found).toMatchObject({
      verdict: "fine",
      psi: null,
      nullRate: { reference: 0, current: 0 },
      histogram: null,
    });
  });
});

describe("a timestamp", () => {
  it("is compared by its nulls alone", async () => {
    const fine = await driftBetween(
      { kind: "timestamp" },
      ["2026-10-20T00:00:00Z", "2026-10-21T00:00:00Z"],
      ["2026-11-05T00:00:00Z", "2026-11-06T00:00:00Z"],
    );
    expect(fine).toEqual({
      feature: "feature",
      kind: "timestamp",
      verdict: "fine",
      reasons: [],
      psi: null,
      ks: null,
      nullRate: { reference: 0, current: 0 },
      zeroRate: null,
      summary: null,
      histogram: null,
    });
    const drifted = await driftBetween({ kind: "timestamp" }, ["2026-10-20T00:00:00Z"], [null]);
    expect(drifted.reasons).toEqual(["null rate went from 0 to 1: a change of 1 is above 0.05"]);
  });
});
