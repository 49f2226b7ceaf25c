import { describe, expect, test } from "vitest";
import { type Ages, BUCKETS, emptyHistogram, quantile, withAges } from "../../../src/monitor/ages.ts";

/** 5 of at most 0.2 s, 4 of at most 1 s, 1 of at most 4 s. */
const ages: Ages = {
  count: 10,
  shares: [
    [0.5, 0.2],
    [0.9, 1],
    [1, 4],
  ],
};

describe("quantiles", () => {
  test.each([
    [0.01, 0.2],
    [0.5, 0.2],
    [0.51, 1],
    [0.9, 1],
    [0.91, 4],
    [1, 4],
  ])("%d of one batch", (share, expected) => expect(quantile([ages], share)).toBe(expected));

  test("of several batches go by their changes", () => {
    // 10 of before and 90 of at most 3 s: the 95th of 100 is among these, the 100th is the 4 s.
    const others: Ages = { count: 90, shares: [[1, 3]] };
    expect(quantile([ages, others], 0.95)).toBe(3);
    expect(quantile([ages, others], 0.995)).toBe(4);
    expect(quantile([others, ages], 0.05)).toBe(0.2);
  });

  test("of nothing are not known", () => {
    expect(quantile([], 0.5)).toBeNull();
    expect(quantile([{ count: 0, shares: [[1, 5]] }], 0.5)).toBeNull();
  });
});

test("a histogram counts each change once, whatever shares they come in", () => {
  const thirds: Ages = {
    count: 10,
    shares: [
      [1 / 3, 0.04],
      [2 / 3, 0.3],
      [1, 9_999],
    ],
  };
  const { counts, sum } = withAges(withAges(emptyHistogram(), ages), thirds);
  expect(counts.reduce((total, one) => total + one, 0)).toBe(20);
  const at = (bound: number) => counts[BUCKETS.indexOf(bound as (typeof BUCKETS)[number])];
  expect([at(0.05), at(0.25), at(0.5), at(1), at(5), counts.at(-1)]).toEqual([3, 5, 4, 4, 1, 3]);
  expect(sum).toBeCloseTo(5 * 0.2 + 4 + 4 + (10 / 3) * (0.04 + 0.3 + 9_999), 6);
});
