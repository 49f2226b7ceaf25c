import { describe, expect, it } from "vitest";
import { isGrowing, median, percentilesOf, rounded } from "../../../src/bench/statistics.ts";

describe("percentiles", () => {
  it("are values that were measured, by the nearest rank", () => {
    const values = Array.from({ length: 100 }, (_, i) => 100 - i);
    expect(percentilesOf(values)).toEqual({ count: 100, p50: 50, p95: 95, p99: 99, max: 100 });
    expect(percentilesOf([7])).toEqual({ count: 1, p50: 7, p95: 7, p99: 7, max: 7 });
    expect(percentilesOf([1, 2, 3, 4])).toMatchObject({ p50: 2, p99: 4 });
    expect(percentilesOf([])).toBeUndefined();
  });

  it("leave the values in their order", () => {
    const values = [3, 1, 2];
    expect(median(values)).toBe(2);
    expect(values).toEqual([3, 1, 2]);
  });

  it("have three digits after the point", () => {
    expect(rounded(1.23456)).toBe(1.235);
  });
});

describe("a backlog that grows", () => {
  it("shows in latencies that rise from the first quarter to the last", () => {
    const rising = Array.from({ length: 200 }, (_, i) => 100 + i * 20);
    expect(isGrowing(rising)).toBe(true);
  });

  it("is neither noise nor a few late ones, nor to be told from few values", () => {
    expect(isGrowing(Array.from({ length: 200 }, (_, i) => 500 + (i % 10) * 100))).toBe(false);
    expect(isGrowing([...Array(195).fill(100), ...Array(5).fill(9_000)])).toBe(false);
    expect(isGrowing([1, 1, 9_000, 9_000])).toBe(false);
  });
});
