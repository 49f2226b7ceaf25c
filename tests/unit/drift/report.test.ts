import { Chalk } from "chalk";
import { expect, it } from "vitest";
import { driftLines } from "../../../src/cli/report/drift.ts";
import type { FeatureDrift, FeatureSetDrift } from "../../../src/drift/feature-drift.ts";

const plain = new Chalk({ level: 0 });

const spend: FeatureDrift = {
  feature: "spend",
  kind: "decimal",
  verdict: "drifted",
  reasons: ["psi 0.41 is above 0.2", "ks 0.3 is above 0.2"],
  psi: 0.4123,
  ks: 0.3,
  nullRate: { reference: 0, current: 0.125 },
  zeroRate: { reference: 0.3333, current: 0.5 },
  summary: null,
  histogram: null,
};
const tier: FeatureDrift = {
  ...spend,
  feature: "tier",
  verdict: "fine",
  reasons: [],
  ks: null,
  zeroRate: null,
};

const set = (features: FeatureDrift[]): FeatureSetDrift => ({
  name: "customer",
  windows: "finished",
  reference: { from: "2026-10-04T00:00:00Z", to: "2026-11-01T06:30:00.123000Z", rows: 2000, filling: 0 },
  current: { from: "2026-11-01T06:30:00.123000Z", to: "2026-11-08T00:00:00Z", rows: 500, filling: 0 },
  features,
});

it("is a table per set, and the verdict in the last line", () => {
  const skipped: FeatureDrift = { ...tier, verdict: "not compared", reasons: ["too few"], nullRate: null };
  expect(driftLines([set([spend, tier]), set([{ ...skipped, psi: null }])], plain).split("\n")).toEqual([
    "customer: reference 2026-10-04..2026-11-01T06:30:00Z → current 2026-11-01T06:30:00Z..2026-11-08",
    "feature  rows         nulls         zeros          psi    ks     verdict",
    "spend    2,000 → 500  0 % → 12.5 %  33.3 % → 50 %  0.412  0.300  drifted: psi 0.41 is above 0.2; ks 0.3 is above 0.2",
    "tier     2,000 → 500  0 % → 12.5 %  -              0.412  -      fine",
    "",
    expect.stringMatching(/^customer: /),
    "feature  rows         nulls  zeros  psi  ks  verdict",
    "tier     2,000 → 500  -      -      -    -   not compared: too few",
    "",
    "✗ 1 of 3 features drifted, 1 not compared",
  ]);
});

it("says so when nothing drifted, or nothing was compared", () => {
  expect(driftLines([set([tier])], plain)).toMatch(/\n✓ 0 of 1 features drifted$/);
  const skipped: FeatureDrift = { ...tier, verdict: "not compared", reasons: ["too few"] };
  expect(driftLines([set([skipped])], plain)).toMatch(/\n- 0 of 1 features drifted, 1 not compared$/);
});

it("tells of windows that are still filling, whether they are left out or not", () => {
  const one = set([tier]);
  const lines = (windows: "all" | "finished", filling: number) =>
    driftLines([{ ...one, windows, current: { ...one.current, filling } }], plain);
  expect(lines("finished", 1529)).toContain(
    "1,529 windows that are still filling are left out; --windows all looks at them, too",
  );
  expect(lines("all", 1529)).toContain("of the rows 0 → 1,529 are of windows that were still filling");
  for (const windows of ["all", "finished"] as const) expect(lines(windows, 0)).not.toContain("filling");
});
