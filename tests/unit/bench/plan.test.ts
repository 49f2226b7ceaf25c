import { describe, expect, it } from "vitest";
import { growthRuns, type PlanTexts, planOf } from "../../../src/bench/plan.ts";
import { UsageError } from "../../../src/errors.ts";

const TEXTS: PlanTexts = {
  ways: "plain,exact",
  events: "1000000",
  entities: "100_000",
  rates: "auto",
  seconds: "30",
  warmUp: "0",
  trigger: "1 second",
  seed: "0",
  hotRows: "1000",
  hotRate: "100",
  growthEvents: "10000,1000",
  growthEntities: "10",
};
const WAYS = ["plain", "append", "exact"];

function refusal(parts: string[], texts: Partial<PlanTexts> = {}): UsageError {
  try {
    planOf(parts, { ...TEXTS, ...texts }, WAYS);
  } catch (error) {
    return error as UsageError;
  }
  throw new Error("it was taken");
}

describe("the plan of a benchmark", () => {
  it("has all parts where none is named, and else those named, in the order in which they run", () => {
    expect(planOf([], TEXTS, WAYS).parts[0]).toBe("bulk");
    expect(planOf([], TEXTS, WAYS).parts).toHaveLength(7);
    expect(planOf(["growth", "reads", "reads"], TEXTS, WAYS).parts).toEqual(["reads", "growth"]);
  });

  it("takes numbers with their thousands set apart, and lists in order", () => {
    const plan = planOf([], { ...TEXTS, rates: "200, 1,20,20" }, WAYS);
    expect(plan).toMatchObject({
      events: 1_000_000,
      entities: 100_000,
      rates: [1, 20, 200],
      warmUpSeconds: 0,
    });
    expect(plan.growthEvents).toEqual([1_000, 10_000]);
    expect(planOf([], TEXTS, WAYS).rates).toBe("auto");
  });

  it("refuses what it does not know, with the nearest word and all of them", () => {
    const part = refusal(["bulks"]);
    expect(part).toBeInstanceOf(UsageError);
    expect([part.message, part.hint]).toEqual([
      "bench has no part named bulks",
      expect.stringMatching(/^Did you mean bulk\? There are: bulk, .*growth$/),
    ]);
    expect(refusal([], { ways: "plain,exakt" }).hint).toBe(
      "Did you mean exact? There are: plain, append, exact",
    );
  });

  it.each([
    ["--events", { events: "0" }],
    ["--events", { events: "1e99" }],
    ["--entities", { entities: "many" }],
    ["--rates", { rates: "1,,2" }],
    ["--rates", { rates: "1,0.5" }],
    ["--seconds", { seconds: "-1" }],
    ["--seed", { seed: "" }],
  ])("refuses %s %j", (name, texts) => {
    expect(refusal([], texts).message).toContain(`${name} takes whole numbers`);
  });
});

describe("the sizes that growth is measured at", () => {
  it("go along the events, then along the entities, none twice", () => {
    const sizes = growthRuns({
      events: 1_000,
      entities: 10,
      growthEvents: [100, 1_000],
      growthEntities: [10, 50],
    });
    expect(sizes).toEqual([
      { events: 100, entities: 10 },
      { events: 1_000, entities: 10 },
      { events: 1_000, entities: 50 },
    ]);
  });
});
