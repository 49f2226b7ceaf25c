import { describe, expect, it } from "vitest";
import { fromCents, toCents } from "../../../src/stack/demo-shop/money.ts";

describe("money", () => {
  it.each([
    [0, "0.00"],
    [5, "0.05"],
    [100, "1.00"],
    [1_999, "19.99"],
    [-5, "-0.05"],
    [999_999_999_999, "9999999999.99"],
  ])("%d cents are %s", (cents, text) => {
    expect(fromCents(cents)).toBe(text);
    expect(toCents(text)).toBe(cents);
  });
});
