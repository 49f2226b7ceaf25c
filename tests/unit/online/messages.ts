/** Messages of the features topic, as the job writes them. */
import type { BatchStart, FeatureMessage } from "../../../src/online/message.ts";

export const RUN = "run-1";
export const WINDOW = "001761696000";

export function start(batch: number, position: number, more: Partial<BatchStart> = {}): BatchStart {
  return { run: RUN, batch, position, expired: 1_000, ...more };
}

export function payloadOf(orders: number): string {
  return JSON.stringify(["order_count_30d", String(orders)]);
}

export function message(more: Partial<FeatureMessage> = {}): FeatureMessage {
  return {
    key: "customer:42:features",
    window: WINDOW,
    run: RUN,
    batch: 7,
    count: 3,
    payload: payloadOf(1),
    source_ms: 1_795_708_459_581,
    ...more,
  };
}

export function bytes(more: Partial<FeatureMessage> = {}): Buffer {
  return Buffer.from(
    JSON.stringify({ ...message(more), row: { customer_id: 42 }, duplicates: 0, truncated: null }),
  );
}

export function at(offset: number, more: Partial<FeatureMessage> = {}) {
  return { offset, value: bytes(more) };
}
