/** What is measured of numbers, against values that can be had with a pencil. */
import { describe, expect, it } from "vitest";
import { driftBetween, times } from "./store.ts";

const WHOLE = { kind: "bigint" } as const;
const MONEY = { kind: "decimal", digits: 2 } as const;
const ONE_TO_TEN = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10];

describe("population stability index of numbers", () => {
  // The deciles of 1 to 10 lie at 1.9, 2.8, … 9.1, so that each of the ten bins has one value of them, a share of 0.1.
  it("is the sum over the reference's deciles", async () => {
    const found = await driftBetween(WHOLE, ONE_TO_TEN, [1, 1, 1, 2, 3, 4, 5, 6, 7, 8]);
    // The first bin has 0.3 now, the last two have nothing and count as 0.0001; the other seven are as they were.
    const expected = (0.3 - 0.1) * Math.log(3) + 2 * (0.0001 - 0.1) * Math.log(0.0001 / 0.1);
    expect(expected).toBeCloseTo(1.5999, 4);
    expect(found.psi).toBeCloseTo(expected, 12);
    expect(found.histogram).toEqual({
      edges: [1.9, 2.8, 3.7, 4.6, 5.5, 6.4, 7.3, 8.2, 9.1].map((edge) => expect.closeTo(edge, 12)),
      reference: new Array(10).fill(0.1),
      current: [0.3, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0, 0],
      nulls: { reference: 0, current: 0 },
    });
  });

  it("counts nulls as a bin of their own", async () => {
    const found = await driftBetween(WHOLE, [...ONE_TO_TEN, ...times([10, null])], [...ONE_TO_TEN]);
    // Ten bins go from 0.05 to 0.1, that of the nulls from 0.5 to nothing.
    const expected = 10 * 0.05 * Math.log(2) + (0.0001 - 0.5) * Math.log(0.0001 / 0.5);
    expect(found.psi).toBeCloseTo(expected, 12);
    expect(found.histogram?.nulls).toEqual({ reference: 0.5, current: 0 });
  });

  it("has fewer bins where deciles are equal, and a value at an edge is below it", async () => {
    // Of 0 0 0 0 0 0 1 2 3 4 the deciles up to the fifth are 0; the others lie at 5.4, 6.3, 7.2 and 8.1, counted from 0.
    const found = await driftBetween(WHOLE, times([6, 0], [1, 1], [1, 2], [1, 3], [1, 4]), times([10, 0]));
    expect(found.histogram).toMatchObject({
      edges: [0, 0.4, 1.3, 2.2, 3.1].map((edge) => expect.closeTo(edge, 12)),
      reference: [0.6, 0, 0.1, 0.1, 0.1, 0.1],
      current: [1, 0, 0, 0, 0, 0],
    });
    const expected = 0.4 * Math.log(1 / 0.6) + 4 * (0.0001 - 0.1) * Math.log(0.0001 / 0.1);
    expect(found.psi).toBeCloseTo(expected, 12);
  });

  it("has one edge for a constant feature", async () => {
    const found = await driftBetween(WHOLE, times([20, 5]), times([20, 6]));
    expect(found.histogram).toMatchObject({ edges: [5], reference: [1, 0], current: [0, 1] });
    expect(found.psi).toBeCloseTo(2 * (1 - 0.0001) * Math.log(1 / 0.0001), 12);
  });

  it("takes bins from the reference alone", async () => {
    const found = await driftBetween(WHOLE, times([20, 5]), ONE_TO_TEN);
    expect(found.histogram).toMatchObject({ edges: [5], current: [0.5, 0.5] });
  });
});

describe("Kolmogorov-Smirnov distance", () => {
  it("is the greatest between the distribution functions", async () => {
    // Up to and with 1: 0.3 against 0.1; with 2: 0.4 against 0.2; and so on to 8: 1 against 0.8.
    const found = await driftBetween(WHOLE, ONE_TO_TEN, [1, 1, 1, 2, 3, 4, 5, 6, 7, 8]);
    expect(found.ks).toBeCloseTo(0.2, 12);
  });

  it("is looked for at every value, in whichever direction", async () => {
    // With -3: 1/4 against 0; with -2: 2/4 against 0; with -1: 2/4 against 1/2; with 5: 3/4 against 1/2; with 7: 1.
    const found = await driftBetween(MONEY, ["-1.00", "7.00"], ["-3.00", "-2.00", "5.00", "7.00"]);
    expect(found.ks).toBe(0.5);
    const other = await driftBetween(MONEY, ["-3.00", "-2.00", "5.00", "7.00"], ["-1.00", "7.00"]);
    expect(other.ks).toBe(0.5);
  });

  it("leaves nulls out, and is null where a period has nothing else", async () => {
    expect(await driftBetween(WHOLE, [1, 2, null, null], [1, 2])).toMatchObject({ ks: 0 });
    expect(await driftBetween(WHOLE, [null, null], [1, 2])).toMatchObject({ ks: null });
    expect(await driftBetween(WHOLE, [1, 2], [null, null])).toMatchObject({ ks: null });
  });

  it("sees a constant feature go down, which its bins cannot", async () => {
    const found = await driftBetween(WHOLE, times([20, 5]), times([20, 4]));
    expect(found).toMatchObject({ psi: 0, ks: 1, verdict: "drifted", reasons: ["ks 1 is above 0.2"] });
  });
});

describe("a number", () => {
  it("in two periods that are alike has not drifted", async () => {
    const values = ["-10.50", "0.00", "0.10", "3.33", "3.33", null];
    expect(await driftBetween(MONEY, values, [...values, ...values])).toMatchObject({
      verdict: "fine",
      reasons: [],
      kind: "decimal",
      psi: 0,
      ks: 0,
      nullRate: { reference: 1 / 6, current: 1 / 6 },
      zeroRate: { reference: 1 / 6, current: 1 / 6 },
    });
  });

  it("of only one value has edges where the value is, whichever it is", async () => {
    const found = await driftBetween(MONEY, times([30, "0.10"]), times([10, "0.10"]));
    expect(found).toMatchObject({ psi: 0, ks: 0, verdict: "fine", histogram: { edges: [0.1] } });
  });

  it("is summed up", async () => {
    const found = await driftBetween(MONEY, ["-1.50", "0.00", "2.00", "3.50", "1.00", null], [null, "4.00"]);
    expect(found.summary).toEqual({
      reference: { mean: 1, min: -1.5, p25: 0, median: 1, p75: 2, max: 3.5 },
      current: { mean: 4, min: 4, p25: 4, median: 4, p75: 4, max: 4 },
    });
    const none = { mean: null, min: null, p25: null, median: null, p75: null, max: null };
    const empty = await driftBetween(MONEY, [null], [null]);
    expect(empty).toMatchObject({ psi: 0, ks: null, summary: { reference: none, current: none } });
    expect(empty.histogram).toMatchObject({ edges: [], reference: [0], current: [0] });
  });

  it("that is shifted has drifted, and says by what", async () => {
    const found = await driftBetween(
      WHOLE,
      ONE_TO_TEN,
      ONE_TO_TEN.map((value) => value + 3),
    );
    // Three bins are empty now, and the last has four of ten.
    const expected = 3 * (0.0001 - 0.1) * Math.log(0.0001 / 0.1) + 0.3 * Math.log(4);
    expect(found.psi).toBeCloseTo(expected, 12);
    expect(found.ks).toBeCloseTo(0.3, 12);
    expect(found).toMatchObject({
      verdict: "drifted",
      reasons: ["psi 2.49 is above 0.2", "ks 0.3 is above 0.2"],
    });
  });

  it("that is negative is binned like others", async () => {
    const down = ONE_TO_TEN.map((value) => -value);
    const found = await driftBetween(WHOLE, down, [...down.slice(0, 9), -1000]);
    expect(found.psi).toBeCloseTo(0, 12);
    expect(found.summary?.current.min).toBe(-1000);
  });

  it("that becomes zero or null more often has drifted by its rates", async () => {
    const alone = { maxPsi: 100, maxKs: 1 };
    const zeros = await driftBetween(WHOLE, times([90, 1], [10, 0]), times([75, 1], [25, 0]), alone);
    expect(zeros.zeroRate).toEqual({ reference: 0.1, current: 0.25 });
    expect(zeros.reasons).toEqual(["zero rate went from 0.1 to 0.25: a change of 0.15 is above 0.1"]);
    const nulls = await driftBetween(WHOLE, times([80, 1], [20, null]), times([90, 1], [10, null]), alone);
    expect(nulls.nullRate).toEqual({ reference: 0.2, current: 0.1 });
    expect(nulls.reasons).toEqual(["null rate went from 0.2 to 0.1: a change of 0.1 is above 0.05"]);
  });

  it("has zeros of all its rows, with those that are null", async () => {
    const found = await driftBetween(WHOLE, times([1, 0], [3, null]), times([1, 0], [1, null]));
    expect(found.zeroRate).toEqual({ reference: 0.25, current: 0.5 });
  });
});
