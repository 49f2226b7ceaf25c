import { expect, test } from "vitest";
import { clusterSlot, numberInSlot } from "../../../src/definition/cluster-slot.ts";
import { onlineKey, windowsKey } from "../../../src/definition/feature-set.ts";
import { onlinePlace } from "../../../src/definition/online-keys.ts";
import { customer } from "../verify/sets.ts";

/** As redis-py's slots give it; the jobs write these names. */
const COMPANIONS: Record<string, string> = {
  "7": "{customer:7:features}:windows",
  "a{b": "{customer:a{b:features}:windows",
  "a}b": "{9556}customer:a}b:features:windows",
  "{a}b": "{20200}customer:{a}b:features:windows",
  "a{b}c": "{20203}customer:a{b}c:features:windows",
  "}": "{40530}customer:}:features:windows",
  "{}": "{48944}customer:{}:features:windows",
  "ü}": "{14798}customer:ü}:features:windows",
  "a}\n{b": "{69366}customer:a}\n{b:features:windows",
  "日}本": "{18473}customer:日}本:features:windows",
};

test.each(Object.entries(COMPANIONS))("the companion of %j is in the slot of its features", (entity, key) => {
  expect(windowsKey(customer, entity)).toBe(key);
  expect(clusterSlot(key)).toBe(clusterSlot(onlineKey(customer, entity)));
  expect(onlinePlace(customer, key)).toEqual({ entity, part: "companion" });
  expect(onlinePlace(customer, onlineKey(customer, entity))).toEqual({ entity, part: "features" });
});

test("slots are those of the specification's examples", () => {
  expect(
    ["123456789", "foo{}{bar}", "foo{{bar}}zap", "foo{bar}{zap}", "{user1000}.following"].map(clusterSlot),
  ).toEqual([12_739, 8_363, 4_015, 5_061, 3_443]);
});

test("every slot has a number, the least", () => {
  const numbers = Array.from({ length: 16_384 }, (_, slot) => numberInSlot(slot));
  expect(numbers.every((number, slot) => clusterSlot(String(number)) === slot)).toBe(true);
  expect(new Set([...numbers].sort((a, b) => a - b).slice(0, 100))).toEqual(new Set(Array(100).keys()));
});

test.each([
  "customer:features",
  "customer:7:features:windows",
  "x{customer:7:features}:windows",
  "{9557}customer:a}b:features:windows",
  "{customer:a}b:features}:windows",
  "{12}customer:7:features:windows",
  "other:customer:7:features",
  // Companion of another set, whose entity holds ours in its text.
  windowsKey({ ...customer, name: "other" }, "x}customer:7"),
])("%s is none of the set's keys", (key) => {
  expect(onlinePlace(customer, key)).toBeUndefined();
});
