import { describe, expect, it } from "vitest";
import { customerOf, insertOrders, Orders } from "../../../src/bench/orders.ts";
import { isWatched, ReadableWatch } from "../../../src/bench/readable.ts";
import { microsOfIso } from "../../../src/platform/instants.ts";
import type { RedisClient } from "../../../src/platform/redis.ts";

describe("orders of a benchmark", () => {
  it("are the same for the same numbers and seed", () => {
    expect(insertOrders(1, 9, customerOf(10), 3)).toBe(insertOrders(1, 9, customerOf(10), 3));
    expect(insertOrders(1, 9, customerOf(10), 3)).not.toBe(insertOrders(1, 9, customerOf(10), 4));
  });

  it("get numbers and event times that nobody else has", () => {
    const orders = new Orders();
    expect([orders.takeIds(10), orders.takeIds(1), orders.takeIds(1)]).toEqual([1, 11, 12]);
    const [first, second] = [orders.nextInstant(), orders.nextInstant()];
    expect(second - first).toBe(1_000n);
  });
});

describe("watching changes", () => {
  it("is for one in so many, whatever kind of change that is", () => {
    const numbers = Array.from({ length: 10_000 }, (_, i) => i);
    expect(numbers.filter((number) => isWatched(number, 1))).toHaveLength(10_000);
    const some = numbers.filter((number) => isWatched(number, 10));
    expect(some.length).toBeGreaterThan(900);
    expect(some.length).toBeLessThan(1_100);
    const updates = some.filter((number) => number % 5 === 4);
    expect(updates.length / some.length).toBeCloseTo(0.2, 1);
  });

  it("hears of a change once its customer's latest order is as late, and not before", async () => {
    const stored = new Map<string, string>();
    const redis = {
      pipeline: () => {
        const keys: string[] = [];
        return {
          hget: (key: string) => keys.push(key),
          exec: async () => keys.map((key) => [null, stored.get(key) ?? null]),
        };
      },
    } as unknown as RedisClient;
    const way = { key: (customer: number) => `c:${customer}`, latestField: "at", latest: microsOfIso };
    const watch = new ReadableWatch(redis, way);
    const heard: number[] = [];
    const asking = watch.run();
    for (const [number, customer] of [7, 7, 8].entries())
      watch.watch({
        ...{ number, customer, instant: BigInt(number + 1) * 1_000_000n, committedAt: performance.now() },
        onReadable: () => heard.push(number),
      });
    stored.set("c:7", "1970-01-01T00:00:01Z");
    await expect.poll(() => heard).toEqual([0]);
    expect(watch.outstanding).toBe(2);
    stored.set("c:7", "1970-01-01T00:00:09Z").set("c:8", "1970-01-01T00:00:02.999999Z");
    await expect.poll(() => heard).toEqual([0, 1]);
    stored.set("c:8", "1970-01-01T00:00:03Z");
    await expect.poll(() => heard).toEqual([0, 1, 2]);
    watch.end();
    await asking;
  });
});
