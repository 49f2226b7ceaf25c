/** What several threads find is what one finds. */
import os from "node:os";
import { expect, test } from "vitest";
import type { FeatureSet } from "../../../src/definition/feature-set.ts";
import { type Comparing, compareEntities } from "../../../src/verify/compare-entities.ts";
import { EntitySpool } from "../../../src/verify/entity-spool.ts";
import { truthOfLog } from "../../../src/verify/truth.ts";
import { compareInThreads } from "../../../src/verify/verify.ts";
import { insert, readAll } from "./events.ts";
import { customer } from "./sets.ts";

test("threads together find what one finds, in the same order", async () => {
  using spool = new EntitySpool(customer, os.tmpdir());
  const log = Array.from({ length: 300 }, (_, i) =>
    insert(i + 1, {
      order_id: i,
      customer_id: i % 50,
      total_amount: "1.00",
      created_at: `2026-03-${10 + (i % 9)}T00:00:00Z`,
    }),
  );
  const truth = truthOfLog([], readAll(customer, [], log, spool));
  const comparing: Comparing = {
    featureSet: customer satisfies FeatureSet,
    truth,
    now: new Date("2026-03-20T10:00:00Z"),
    sink: "dual",
    inStep: true,
  };
  const alone = compareEntities(comparing, spool.entities());
  // Every customer lacks a key, its companion, and a row offline.
  expect(alone).toMatchObject({ expected: 50, online: 0, offline: 0 });
  expect(alone.differences).toHaveLength(150);
  const together = await compareInThreads(comparing, spool.parts(3));
  const named = ({ differences }: typeof alone) =>
    differences.map(({ entity, store, feature, kind }) => `${entity} ${store} ${feature} ${kind}`);
  expect(named(together)).toEqual(named(alone));
  expect({ ...together, differences: [] }).toEqual({ ...alone, differences: [] });
}, 30_000);
