import { readdirSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { parse } from "yaml";
import { z } from "zod";
import { jsonSchema } from "../../../src/definition/written.ts";
import { SHOPPER, shopperWith } from "./shopper.ts";

/** The emitted schema read back by zod, which does not know `required` by itself: what an editor would accept. */
const { oneOf, ...rest } = jsonSchema() as { oneOf: { required: string[] }[] };
const schema = z.fromJSONSchema(rest as Parameters<typeof z.fromJSONSchema>[0]);
const accepts = (text: string) => {
  const data = parse(text);
  const fitting = oneOf.filter(({ required }) => required.every((key) => key in data));
  return fitting.length === 1 && schema.safeParse(data).success;
};

const folder = new URL("../../../features/", import.meta.url);

const shipped = readdirSync(folder, { recursive: true, encoding: "utf8" });

test.each(shipped.filter((name) => name.endsWith(".yaml")))("accepts %s", (name) => {
  expect(accepts(readFileSync(new URL(name, folder), "utf8"))).toBe(true);
});

test("accepts both forms of a column", () => {
  expect(
    accepts(shopperWith({ "created_at: timestamp": "created_at: { type: timestamp, unit: millis }" })),
  ).toBe(true);
});

test.each([
  ["an unknown key", { "watermark:": "lateness: 1 day\nwatermark:" }],
  ["a missing key", { "watermark: 1 hour\n": "" }],
  ["a bad duration", { "1 hour": "1 month" }],
  ["a bad column type", { "amount: decimal(12,2)": "amount: money" }],
  ["no window", { "window:\n  type: tumbling\n  length: 30 days\n": "" }],
  ["window and windows", { "watermark:": "windows: { all: { type: unbounded } }\nwatermark:" }],
  ["a bad name of a window", { "window:\n": "windows:\n A:\n" }],
  ["a time of another window", { "type: tumbling": "type: rolling\n  slide: 1 day" }],
  ["an empty key", { "entity: customer_id": "entity: []" }],
  ["a bad name", { "name: shopper": "name: My-Shopper" }],
  ["a bad name of a feature", { "  orders: {": "  Orders: {" }],
  ["an unknown kind", { "kind: aggregated, aggregate: count": "kind: counted" }],
  ["a key of another kind", { "aggregate: count": "aggregate: count, digits: 2" }],
  ["a fraction of a digit", { "digits: 2": "digits: 2.5" }],
  ["a parameter that is a list", { "limit_amount: 1000": "limit_amount: [1]" }],
])("refuses %s", (_, changes) => {
  expect(accepts(SHOPPER)).toBe(true);
  expect(accepts(shopperWith(changes as unknown as Record<string, string>))).toBe(false);
});
