import { expect, test } from "vitest";
import { parseDefinition } from "../../../src/definition/parse-definition.ts";
import { GUEST, guestWith, problemsOf, SHOPPER, shopperWith } from "./shopper.ts";

const REALTIME = { "watermark: 1 hour": "watermark: 1 hour\nmode: realtime" };
const APPEND_ONLY = { "  columns:": "  append_only: true\n  columns:" };

test("a set is computed in micro-batches unless it says otherwise", () => {
  const modeOf = (text: string) => parseDefinition(text, "shopper.yaml").featureSet?.mode;
  expect(modeOf(SHOPPER)).toBe("micro-batch");
  expect(modeOf(shopperWith({ "watermark: 1 hour": "watermark: 1 hour\nmode: micro-batch" }))).toBe(
    "micro-batch",
  );
  expect(modeOf(shopperWith(REALTIME))).toBe("realtime");
  expect(modeOf(shopperWith({ ...REALTIME, tumbling: "sliding\n  slide: 1 day" }))).toBe("realtime");
  expect(modeOf(shopperWith({ ...REALTIME, ...APPEND_ONLY }))).toBe("realtime");
});

test("another mode is refused with those there are", () => {
  expect(problemsOf(shopperWith({ "watermark: 1 hour": "watermark: 1 hour\nmode: real-time" }))).toEqual([
    '17:7 wrong-value: "mode" cannot be "real-time" → realtime',
  ]);
});

test("real-time mode is refused where it could not be, at the place that is in the way", () => {
  expect(problemsOf(guestWith(REALTIME), "guest.yaml")).toEqual([
    "16:1 realtime: real-time mode computes one window, and with several a set is as of now: leave mode out, and micro-batches do it",
  ]);
  expect(problemsOf(shopperWith({ ...REALTIME, tumbling: "rolling" }))).toEqual([
    "14:9 realtime: real-time mode computes a tumbling or sliding window, and with a rolling one a set is as of now: leave mode out, and micro-batches do it",
  ]);
});

test("in micro-batches all of them are fine", () => {
  expect(problemsOf(GUEST, "guest.yaml")).toEqual([]);
});
