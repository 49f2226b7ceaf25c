/** What of the features topic is written, and when. */
import { expect, test } from "vitest";
import { Changes } from "../../../src/online/changes.ts";
import { at, payloadOf, start, WINDOW } from "./messages.ts";

const KEY = "customer:42:features";

function taken(changes: Changes) {
  const gathered = changes.take();
  return (
    gathered && {
      entities: [...gathered.entities.values()].map(({ key, expired, windows }) => ({
        key,
        expired,
        windows: Object.fromEntries(
          [...windows].map(([window, { version, payload }]) => [window, [version, payload]]),
        ),
      })),
      offsets: Object.fromEntries(gathered.offsets),
      sourceMs: gathered.sourceMs,
    }
  );
}

test("a change has the position of its batch and its own count as version", () => {
  const changes = new Changes();
  changes.begin(start(7, 12_345));
  changes.add(1, [at(9)]);
  expect(taken(changes)).toEqual({
    entities: [{ key: KEY, expired: 1_000, windows: { [WINDOW]: ["00000000000000012348", payloadOf(1)] } }],
    offsets: { 1: 10 },
    sourceMs: [1_795_708_459_581],
  });
  expect(changes.take()).toBeUndefined();
});

test("the newest of a window is written, and all windows of an entity in one call", () => {
  const changes = new Changes();
  changes.begin(start(7, 100));
  changes.add(0, [
    at(0, { count: 2, payload: payloadOf(2) }),
    at(1, { count: 1, payload: payloadOf(1), source_ms: null }),
    at(2, { count: 3, payload: "", window: "001764288000" }),
    at(3, { count: 4, key: "customer:43:features" }),
  ]);
  expect(taken(changes)).toMatchObject({
    entities: [
      {
        key: KEY,
        windows: {
          [WINDOW]: ["00000000000000000102", payloadOf(2)],
          "001764288000": ["00000000000000000103", ""],
        },
      },
      { key: "customer:43:features" },
    ],
    offsets: { 0: 4 },
    sourceMs: [expect.any(Number), expect.any(Number), expect.any(Number)],
  });
});

test("messages of other runs, of a truncate, tombstones and garbage are passed over", () => {
  const changes = new Changes();
  changes.begin(start(7, 100));
  changes.add(0, [
    at(0, { run: "earlier", batch: 900 }),
    at(1, { key: null }),
    { offset: 2, value: null },
    { offset: 3, value: Buffer.from("{") },
    at(4, { batch: 6 }),
  ]);
  expect(taken(changes)).toEqual({ entities: [], offsets: { 0: 5 }, sourceMs: [] });
});

test("messages of a batch that the job has not told of wait, and those behind them", () => {
  const changes = new Changes();
  changes.begin(start(7, 100));
  changes.add(0, [at(0), at(1, { batch: 8, count: 1, payload: payloadOf(2) })]);
  changes.add(0, [at(2, { batch: 7, count: 5 }), at(3, { batch: 9, count: 1 })]);
  changes.add(1, [at(0, { batch: 8, key: "customer:43:features" })]);
  expect(taken(changes)).toMatchObject({ offsets: { 0: 1 } });
  expect(changes.take()).toBeUndefined();
  expect(changes.size).toBe(4);
  changes.begin(start(8, 200, { expired: 2_000 }));
  expect(taken(changes)).toMatchObject({
    entities: [
      { key: KEY, expired: 2_000, windows: { [WINDOW]: ["00000000000000000201", payloadOf(2)] } },
      { key: "customer:43:features" },
    ],
    offsets: { 0: 3, 1: 1 },
  });
  changes.begin(start(9, 300));
  expect(taken(changes)).toMatchObject({ offsets: { 0: 4 } });
});

test("after micro-batches messages under another name wait until the job tells of their batch", () => {
  const changes = new Changes();
  changes.begin(start(7, 100));
  changes.add(0, [at(0, { run: "second", batch: 9 })]);
  expect(taken(changes)).toMatchObject({ entities: [], offsets: { 0: 1 } });
  changes.pause();
  changes.add(0, [at(1, { count: 1 }), at(2, { run: "second", batch: 9, count: 1 })]);
  expect(taken(changes)).toMatchObject({ entities: [{ key: KEY }], offsets: { 0: 2 } });
  changes.begin(start(9, 300, { run: "second" }));
  changes.add(0, [at(3, { key: "customer:43:features" })]);
  expect(taken(changes)).toMatchObject({
    entities: [{ key: KEY, windows: { [WINDOW]: ["00000000000000000301", payloadOf(1)] } }],
    offsets: { 0: 4 },
  });
});

test("what could not be written comes again, under what came meanwhile", () => {
  const changes = new Changes();
  changes.begin(start(7, 100));
  changes.add(0, [at(0, { count: 1, window: "001764288000" }), at(1, { count: 2 })]);
  changes.add(1, [at(5, { key: "customer:43:features" })]);
  const failed = changes.take();
  changes.add(0, [at(2, { count: 4, payload: payloadOf(4) })]);
  changes.putBack(failed as NonNullable<typeof failed>);
  expect(taken(changes)).toMatchObject({
    entities: [
      {
        key: KEY,
        windows: {
          "001764288000": ["00000000000000000101", payloadOf(1)],
          [WINDOW]: ["00000000000000000104", payloadOf(4)],
        },
      },
      { key: "customer:43:features" },
    ],
    offsets: { 0: 3, 1: 6 },
    sourceMs: { length: 4 },
  });
});
