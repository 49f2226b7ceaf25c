/** The distance that SQL finds is the one that the definition of it gives, on random samples. */
import fc from "fast-check";
import { expect, it } from "vitest";
import { IN_CURRENT, IN_REFERENCE, setOf, store } from "./store.ts";

/** By its definition: at each value the shares of both samples that are not above it. */
function naive(a: number[], b: number[]): number {
  const share = (sample: number[], limit: number) =>
    sample.filter((value) => value <= limit).length / sample.length;
  return Math.max(...[...a, ...b].map((limit) => Math.abs(share(a, limit) - share(b, limit))));
}

it("agrees with a naive computation", async () => {
  // Few different values, so that there are ties; hundredths, so that there are fractions.
  const sample = fc.array(fc.integer({ min: -40, max: 40 }), { minLength: 1, maxLength: 60 });
  const pairs = fc.array(fc.tuple(sample, sample, fc.integer({ min: 0, max: 50 })), {
    minLength: 8,
    maxLength: 8,
  });
  await fc.assert(
    fc.asyncProperty(pairs, async (drawn) => {
      const samples = drawn.map(([reference, current, shift]) => ({
        reference,
        current: current.map((value) => value + shift),
      }));
      const names = samples.map((_, i) => `f${i}`);
      const set = setOf(Object.fromEntries(names.map((name) => [name, { kind: "decimal", digits: 2 }])));
      const { write, drift } = store(set);
      const rowsOf = (period: "reference" | "current", event: string) =>
        Array.from({ length: 60 }, (_, entity) => ({
          entity,
          event,
          values: samples.map((one) => {
            const value = one[period][entity];
            return value === undefined ? null : (value / 100).toFixed(2);
          }),
        }));
      await write("1.parquet", [...rowsOf("reference", IN_REFERENCE), ...rowsOf("current", IN_CURRENT)]);
      const { features } = await drift();
      for (const [i, { reference, current }] of samples.entries())
        expect(features[i]?.ks).toBeCloseTo(naive(reference, current), 12);
    }),
    { numRuns: 12 },
  );
});
