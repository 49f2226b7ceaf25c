import { expect, it } from "vitest";
import { topicsOf } from "../../../src/stack/connector.ts";

it("topics have the names that Debezium gives them, each of them once and fit for Kafka", () => {
  expect(topicsOf(["orders", "my täble", "my_t_ble", "a.b", "a_b"])).toEqual([
    "shop.public.orders",
    "shop.public.my_t_ble",
    "shop.public.a.b",
  ]);
});
