import { describe, expect, it } from "vitest";
import { pickSkewed, randomFrom, shuffled } from "../../../src/stack/demo-shop/random.ts";

describe("random", () => {
  it("gives the published numbers of mulberry32", () => {
    const random = randomFrom(1);
    const first = [random.next(), random.next(), random.next()];
    expect(first).toEqual([0.6270739405881613, 0.002735721180215478, 0.5274470399599522]);
  });

  it("gives every integer of a closed range", () => {
    const random = randomFrom(7);
    const seen = new Set(Array.from({ length: 200 }, () => random.integer(3, 6)));
    expect([...seen].sort()).toEqual([3, 4, 5, 6]);
  });

  it("shuffles without losing an item or touching the input", () => {
    const items = Object.freeze([1, 2, 3, 4, 5, 6, 7, 8]);
    const mixed = shuffled(items, randomFrom(3));
    expect(mixed).not.toEqual(items);
    expect([...mixed].sort()).toEqual(items);
  });

  it("picks the first tenth of the items about a third of the time", () => {
    const random = randomFrom(5);
    const items = Array.from({ length: 100 }, (_, index) => index);
    const low = Array.from({ length: 10_000 }, () => pickSkewed(items, random)).filter((item) => item < 10);
    expect(low.length / 10_000).toBeCloseTo(Math.sqrt(0.1), 1);
  });
});
