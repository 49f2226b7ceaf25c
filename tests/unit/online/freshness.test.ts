import { expect, test } from "vitest";
import { Freshness } from "../../../src/online/freshness.ts";

test("percentiles are exact up to an eighth of a second, and within two per cent beyond", () => {
  const freshness = new Freshness();
  expect(freshness.total()).toEqual({ p50Ms: null, p99Ms: null });
  freshness.add(
    Array.from({ length: 100 }, (_, i) => (i < 98 ? i : 5_000)),
    0,
  );
  const { p50Ms, p99Ms } = freshness.total();
  expect(p50Ms).toBe(49);
  expect(Math.abs((p99Ms as number) - 5_000)).toBeLessThan(100);
});

test("recent ones are those of the last ten seconds", () => {
  const freshness = new Freshness();
  freshness.add([500], 1_000);
  freshness.add([20, -3], 8_000);
  expect(freshness.recent(9_000).p99Ms).toBeGreaterThan(400);
  expect(freshness.recent(15_000)).toEqual({ p50Ms: 0, p99Ms: 20 });
  expect(freshness.recent(60_000).p50Ms).toBeNull();
  expect(freshness.total().p99Ms).toBeGreaterThan(400);
});
