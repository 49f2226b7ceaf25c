/** What a checkpoint is bound to, and which there are. */
import { expect, test } from "vitest";
import { planOf, refuseOtherPlan, rememberCheckpoint, rememberPlan } from "../../../src/submit/plan.ts";
import { checkpointOf } from "../../../src/submit/run-folder.ts";
import { storesWritten } from "../../../src/submit/run-states.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";
import { customer } from "../verify/sets.ts";

test("the mode is no part of the plan", () => {
  expect(planOf({ ...customer, mode: "realtime" })).toEqual(planOf(customer));
  expect(planOf({ ...customer, watermarkMs: 1 })).not.toEqual(planOf(customer));
});

test("a checkpoint of real-time mode is one, too", async () => {
  const stateDir = temporaryFolder();
  const changed = { ...customer, watermarkMs: customer.watermarkMs + 1 };
  await rememberPlan(stateDir, customer);
  await refuseOtherPlan(stateDir, changed);
  rememberCheckpoint(stateDir, customer.name, checkpointOf({ sink: "dual", mode: "realtime" }));
  await refuseOtherPlan(stateDir, { ...customer, mode: "realtime" });
  await expect(refuseOtherPlan(stateDir, changed)).rejects.toThrow(/watermarkMs/);
});

test("real-time mode writes both stores in step, and two checkpoints do not", async () => {
  const stateDir = temporaryFolder();
  expect(await storesWritten(stateDir, "customer")).toBeUndefined();
  rememberCheckpoint(stateDir, "customer", "realtime");
  expect(await storesWritten(stateDir, "customer")).toEqual({ sink: "dual", inStep: true, realtime: true });
  rememberCheckpoint(stateDir, "customer", "dual");
  expect(await storesWritten(stateDir, "customer")).toEqual({ sink: "dual", inStep: false, realtime: true });
});

test("one sink is written alone, and two of them make both", async () => {
  const stateDir = temporaryFolder();
  rememberCheckpoint(stateDir, "customer", "redis");
  expect(await storesWritten(stateDir, "customer")).toEqual({ sink: "redis", inStep: true, realtime: false });
  rememberCheckpoint(stateDir, "customer", "parquet");
  expect(await storesWritten(stateDir, "customer")).toEqual({ sink: "dual", inStep: false, realtime: false });
});
