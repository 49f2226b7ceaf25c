import { expect, it } from "vitest";
import { exceeded } from "../../../src/drift/exceeded.ts";
import type { Measures } from "../../../src/drift/feature-drift.ts";
import { DRIFT } from "../verify/sets.ts";

const NOTHING: Measures = {
  psi: null,
  ks: null,
  nullRate: null,
  zeroRate: null,
  summary: null,
  histogram: null,
};

it("has a sentence for each threshold", () => {
  const found = exceeded(
    {
      ...NOTHING,
      psi: 0.41,
      ks: 0.305,
      nullRate: { reference: 0, current: 0.2 },
      zeroRate: { reference: 0.5, current: 0.3 },
    },
    DRIFT,
  );
  expect(found).toEqual([
    "psi 0.41 is above 0.2",
    "ks 0.3 is above 0.2",
    "null rate went from 0 to 0.2: a change of 0.2 is above 0.05",
    "zero rate went from 0.5 to 0.3: a change of 0.2 is above 0.1",
  ]);
});

it("is silent at a threshold, and where nothing was measured", () => {
  expect(exceeded({ ...NOTHING, psi: 0.2, ks: 0.2 }, DRIFT)).toEqual([]);
  // In doubles 0.3 - 0.2 is 0.09999999999999998, and 0.8 - 0.7 is 0.10000000000000009.
  for (const [reference, current] of [
    [0.2, 0.3],
    [0.7, 0.8],
  ] as const)
    expect(exceeded({ ...NOTHING, zeroRate: { reference, current } }, DRIFT)).toEqual([]);
  expect(exceeded(NOTHING, DRIFT)).toEqual([]);
});

it("never says that a number is above itself", () => {
  expect(exceeded({ ...NOTHING, psi: 0.20004 }, DRIFT)).toEqual(["psi 0.20004 is above 0.2"]);
});
