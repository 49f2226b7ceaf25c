import { describe, expect, test } from "vitest";
import {
  type FeatureComputation as Declared,
  type Expression,
  type Feature,
  type FeatureSet,
  type FeatureType,
  ONLY_WINDOW,
  type Window,
} from "../../../src/definition/feature-set.ts";
import { isoOfMicros, microsOfIso } from "../../../src/platform/instants.ts";
import { FeatureComputation } from "../../../src/stores/features.ts";
import { exactValue, inputColumns, type Row } from "../../../src/stores/rows.ts";
import { onlineText } from "../../../src/stores/values.ts";
import { customer } from "../verify/sets.ts";

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

const rolling = (name: string, lengthMs: number, granularityMs: number): Window => ({
  kind: "rolling",
  name,
  lengthMs,
  granularityMs,
});

const TYPES: Record<string, FeatureType> = {
  whole: { kind: "bigint" },
  money: { kind: "decimal", digits: 2 },
  text: { kind: "text" },
  time: { kind: "timestamp" },
  day: { kind: "date" },
  yes: { kind: "boolean" },
};

/** A set over `id`, `who`, `at` and some columns of each type. */
function setOf(windows: Window[], features: Record<string, Declared & { type?: string }>): FeatureSet {
  return {
    ...customer,
    entity: ["who"],
    source: {
      ...customer.source,
      primaryKey: ["id", "part"],
      eventTime: "at",
      columns: [
        { name: "id", type: { kind: "bigint" } },
        { name: "part", type: { kind: "text" } },
        { name: "who", type: { kind: "text" } },
        { name: "at", type: { kind: "timestamp", unit: "micros" } },
        { name: "amount", type: { kind: "decimal", precision: 12, scale: 2, encoding: "auto" } },
        { name: "units", type: { kind: "integer" } },
        { name: "note", type: { kind: "text" } },
        { name: "due", type: { kind: "date" } },
        { name: "paid", type: { kind: "boolean" } },
      ],
    },
    windows,
    features: Object.entries(features).map(
      ([name, { type = "whole", ...feature }]) =>
        ({ name, description: "", type: TYPES[type] as FeatureType, ...feature }) as Feature,
    ),
  };
}

const count = (window = ONLY_WINDOW): Declared => ({ kind: "aggregated", aggregate: "count", window });

interface Given {
  at: string;
  id?: string;
  part?: string;
  amount?: string;
  units?: string;
  note?: string;
  due?: string;
  paid?: string;
}

function rowOf(set: FeatureSet, given: Given): Row {
  const { at, id = "1", part = "a" } = given;
  const values = inputColumns(set).map((column) =>
    column.name === "at"
      ? (microsOfIso(at) as bigint)
      : exactValue((given as unknown as Record<string, string>)[column.name] ?? null, column),
  );
  return { eventTime: microsOfIso(at) as bigint, key: [id, part], values };
}

/** The features' texts as of a time, by name; undefined when the entity is not there. */
function asOf(set: FeatureSet, rows: Given[], now: string): Record<string, string | null> | undefined {
  const all = rows.map((row, i) => rowOf(set, { id: String(i), ...row }));
  const computed = new FeatureComputation(set).ofEntity(all)(microsOfIso(now) as bigint);
  if (computed === null) return undefined;
  const texts = set.features.map(({ name, type }) => [
    name,
    onlineText(computed.features.get(name) ?? null, type),
  ]);
  const { bounds, latest } = computed;
  return Object.fromEntries([
    ...texts,
    ...(bounds === null ? [] : [["window", `${isoOfMicros(bounds.start)}/${isoOfMicros(bounds.end)}`]]),
    ["latest", isoOfMicros(latest)],
  ]);
}

const at = (...times: string[]): Given[] => times.map((time) => ({ at: `2026-03-01T${time}Z` }));
const DAY_START = "2026-03-01T00:00:00Z";

describe("a rolling window", () => {
  const set = setOf([rolling("1h", HOUR, 5 * MINUTE)], { n: count("1h") });
  const n = (rows: Given[], now: string) => asOf(set, rows, now)?.n;

  test("ends with the granule that now is in", () => {
    expect(asOf(set, at("09:57:00"), "2026-03-01T10:02:00Z")).toMatchObject({
      n: "1",
      window: "2026-03-01T09:05:00Z/2026-03-01T10:05:00Z",
      latest: "2026-03-01T09:57:00Z",
    });
  });

  test("takes its start and leaves its end out", () => {
    const rows = at("09:04:59.999999", "09:05:00", "10:04:59.999999", "10:05:00");
    expect(n(rows, "2026-03-01T10:00:00Z")).toBe("2");
    expect(n(rows, "2026-03-01T10:04:59.999999Z")).toBe("2");
  });

  test("empties itself, and then the entity is gone", () => {
    expect(n(at("09:05:00"), "2026-03-01T10:04:59Z")).toBe("1");
    expect(n(at("09:05:00"), "2026-03-01T10:05:00Z")).toBeUndefined();
  });

  test("a row of later comes in with its granule", () => {
    expect(n(at("10:05:00"), "2026-03-01T10:04:59Z")).toBeUndefined();
    expect(n(at("10:05:00"), "2026-03-01T10:05:00Z")).toBe("1");
  });

  test("is aligned before 1970, too", () => {
    expect(asOf(set, [{ at: "1969-12-31T23:30:00Z" }], "1969-12-31T23:57:00Z")).toMatchObject({
      n: "1",
      window: "1969-12-31T23:00:00Z/1970-01-01T00:00:00Z",
    });
  });

  test("several have a granularity each, and the longest is the one that is shown", () => {
    const both = setOf([rolling("1h", HOUR, 5 * MINUTE), rolling("7d", 7 * DAY, DAY)], {
      hour: count("1h"),
      week: count("7d"),
    });
    // Of a later granule of the hour, and of the same day.
    expect(asOf(both, at("10:30:00", "11:00:00"), "2026-03-01T10:31:00Z")).toEqual({
      hour: "1",
      week: "2",
      window: "2026-02-23T00:00:00Z/2026-03-02T00:00:00Z",
      latest: "2026-03-01T11:00:00Z",
    });
  });
});

describe("windows that go by their rows, in a set as of now", () => {
  const tumbling: Window = { kind: "tumbling", name: "d", lengthMs: DAY, retentionMs: DAY };
  const sliding: Window = { kind: "sliding", name: "s", lengthMs: DAY, slideMs: 6 * HOUR, retentionMs: DAY };
  const session: Window = {
    kind: "session",
    name: "visit",
    gapMs: 30 * MINUTE,
    longestMs: 2 * HOUR,
    retentionMs: HOUR,
  };
  const all: Window = { kind: "unbounded", name: "all" };
  const set = setOf([tumbling, sliding, session, all, rolling("1h", HOUR, 5 * MINUTE)], {
    day: count("d"),
    slid: count("s"),
    visit: count("visit"),
    ever: count("all"),
    hour: count("1h"),
  });
  const counts = (rows: Given[], now: string) => {
    const { window: _, latest: __, ...found } = asOf(set, rows, now) ?? {};
    return found;
  };

  test("a tumbling one is that of the latest row, while it is kept", () => {
    const rows = [{ at: "2026-02-27T12:00:00Z" }, ...at("00:00:00", "05:00:00")];
    expect(counts(rows, "2026-03-01T12:00:00Z").day).toBe("2");
    // The window ends on the 2nd, and is kept for another day.
    expect(counts(rows, "2026-03-02T23:59:59Z").day).toBe("2");
    expect(counts(rows, "2026-03-03T00:00:00Z").day).toBe("0");
  });

  test("a sliding one begins at the latest multiple of its slide", () => {
    expect(counts(at("05:59:59", "06:00:00", "07:00:00"), "2026-03-01T12:00:00Z").slid).toBe("2");
    expect(counts(at("05:59:59"), "2026-03-01T12:00:00Z").slid).toBe("1");
  });

  test("rows beyond the granule of now are not yet there", () => {
    expect(counts(at("09:00:00", "10:05:00"), "2026-03-01T10:04:00Z")).toMatchObject({
      day: "1",
      visit: "1",
      ever: "1",
    });
    expect(counts(at("09:00:00", "10:05:00"), "2026-03-01T10:05:00Z")).toMatchObject({ day: "2", ever: "2" });
  });

  test("rows of later within the granule are", () => {
    expect(counts(at("10:04:59.999999"), "2026-03-01T10:00:00Z")).toMatchObject({ day: "1", ever: "1" });
  });

  test("the smallest granularity is the set's", () => {
    const both = setOf([rolling("7d", 7 * DAY, DAY), all, rolling("1h", HOUR, 5 * MINUTE)], {
      week: count("7d"),
      ever: count("all"),
    });
    expect(asOf(both, at("09:00:00", "11:00:00"), "2026-03-01T10:00:00Z")).toMatchObject({
      week: "2",
      ever: "1",
    });
  });

  test("a session holds what is less than a gap apart, and no longer than it may be", () => {
    const visit = (...times: string[]) => counts(at(...times), "2026-03-01T12:00:00Z").visit;
    expect(visit("11:00:00", "11:29:59", "11:59:58")).toBe("3");
    expect(visit("11:00:00", "11:30:00", "11:59:59")).toBe("2");
    const often = [
      "09:59:00",
      "10:00:00",
      "10:20:00",
      "10:40:00",
      "11:00:00",
      "11:20:00",
      "11:40:00",
      "12:00:00",
    ];
    // From 10:00 to 12:00 are two hours, which is too long.
    expect(visit(...often)).toBe("6");
  });

  test("a session is kept until its end and its retention are over", () => {
    // Ends half an hour after the row, is kept for an hour; now goes by its granule of five minutes.
    expect(counts(at("10:00:00"), "2026-03-01T11:29:59Z").visit).toBe("1");
    expect(counts(at("10:00:00"), "2026-03-01T11:30:00Z").visit).toBe("0");
  });

  test("an unbounded one holds all for ever", () => {
    expect(counts([{ at: "0001-02-01T00:00:00Z" }], "2026-03-01T00:00:00Z")).toEqual({
      day: "0",
      slid: "0",
      visit: "0",
      ever: "1",
      hour: "0",
    });
  });
});

describe("the window that is shown", () => {
  const shown = (windows: Window[], now: string) =>
    asOf(setOf(windows, { n: count(windows[0]?.name) }), at("10:00:00"), now)?.window;
  const all: Window = { kind: "unbounded", name: "all" };
  const session: Window = {
    kind: "session",
    name: "visit",
    gapMs: HOUR,
    longestMs: DAY,
    retentionMs: 2 * DAY,
  };

  test("is the first that is not unbounded where none is rolling, and none without rows", () => {
    expect(shown([all, session], "2026-03-01T12:00:00Z")).toBe("2026-03-01T10:00:00Z/2026-03-01T11:00:00Z");
    expect(shown([all, session], "2026-03-09T12:00:00Z")).toBeUndefined();
    expect(shown([all], "2026-03-01T12:00:00Z")).toBeUndefined();
  });
});

describe("features over rows", () => {
  const of = (rows: Given[], feature: Declared, type: string, now = "2026-03-01T12:00:00Z") =>
    asOf(setOf([{ kind: "unbounded", name: "all" }], { n: count("all"), f: { ...feature, type } }), rows, now)
      ?.f;
  const aggregated = (
    aggregate: "sum" | "avg" | "min" | "max" | "first" | "last" | "count_distinct",
    column: string,
  ) => ({ kind: "aggregated", aggregate, column, window: "all" }) as const;
  const each = (name: keyof Given, ...values: (string | undefined)[]): Given[] =>
    values.map((value, i) => ({
      at: `2026-03-01T0${i}:00:00Z`,
      ...(value !== undefined && { [name]: value }),
    }));
  const amounts = each("amount", "1050", undefined, "-3", "1050");

  test.each<[string, Given[], Declared, string, string | null]>([
    ["sum", amounts, aggregated("sum", "amount"), "money", "20.97"],
    ["avg, half up", each("amount", "1", "0"), aggregated("avg", "amount"), "money", "0.01"],
    [
      "avg below zero, half up is away from it",
      each("amount", "-1", "0"),
      aggregated("avg", "amount"),
      "money",
      "-0.01",
    ],
    ["avg skips nulls", amounts, aggregated("avg", "amount"), "money", "6.99"],
    ["min", amounts, aggregated("min", "amount"), "money", "-0.03"],
    ["max", amounts, aggregated("max", "amount"), "money", "10.50"],
    ["max of dates", each("due", "20513", "-1"), aggregated("max", "due"), "day", "2026-03-01"],
    ["min of dates", each("due", "20513", "-1"), aggregated("min", "due"), "day", "1969-12-31"],
    [
      "max of times",
      at("10:00:00", "11:00:00.5"),
      aggregated("max", "at"),
      "time",
      "2026-03-01T11:00:00.500000Z",
    ],
    ["count_distinct", amounts, aggregated("count_distinct", "amount"), "whole", "2"],
    [
      "count_distinct of texts",
      each("note", "a", "A", "", "a"),
      aggregated("count_distinct", "note"),
      "whole",
      "3",
    ],
    ["first skips nulls", each("note", undefined, "b", "c"), aggregated("first", "note"), "text", "b"],
    ["last skips nulls", each("note", "a", "b", undefined), aggregated("last", "note"), "text", "b"],
    ["first of booleans", each("paid", "false", "true"), aggregated("first", "paid"), "yes", "false"],
    [
      "point in time does not",
      each("note", "a", undefined),
      { kind: "point_in_time", column: "note", window: "all" },
      "text",
      null,
    ],
    [
      "point in time",
      each("note", "a", ""),
      { kind: "point_in_time", column: "note", window: "all" },
      "text",
      "",
    ],
    ["sum of nothing but nulls", at("10:00:00"), aggregated("sum", "amount"), "money", null],
    ["avg of nothing but nulls", at("10:00:00"), aggregated("avg", "amount"), "money", null],
    ["min of nothing but nulls", at("10:00:00"), aggregated("min", "amount"), "money", null],
    [
      "count_distinct of nothing but nulls",
      at("10:00:00"),
      aggregated("count_distinct", "amount"),
      "whole",
      "0",
    ],
    [
      "recency",
      at("10:00:00"),
      { kind: "behavioural", measure: "recency", unit: "days", window: "all" },
      "whole",
      "0",
    ],
  ])("%s", (_, rows, feature, type, expected) => {
    expect(of(rows, feature, type)).toBe(expected);
  });

  test("of rows at the same time the primary key decides, column by column and by value", () => {
    const last = (...keys: [id: string, part: string][]) =>
      of(
        keys.map(([id, part]) => ({ at: DAY_START, id, part, note: `${id}${part}` })),
        aggregated("last", "note"),
        "text",
      );
    expect(last(["10", "a"], ["9", "z"])).toBe("10a");
    expect(last(["9", "b"], ["9", "a"])).toBe("9b");
    expect(last(["-1", "a"], ["-2", "b"])).toBe("-1a");
    // By UTF-8 bytes, not by UTF-16: U+FFFD is before U+1F600.
    expect(last(["1", "\u{1F600}"], ["1", "\uFFFD"])).toBe("1\u{1F600}");
  });

  test("aggregates of a window without rows are null, counts and frequency zero", () => {
    const set = setOf([rolling("1h", HOUR, 5 * MINUTE), { kind: "unbounded", name: "all" }], {
      n: count("1h"),
      kinds: { kind: "aggregated", aggregate: "count_distinct", column: "note", window: "1h" },
      rate: { kind: "behavioural", measure: "frequency", unit: "minute", window: "1h", type: "money" },
      total: { kind: "aggregated", aggregate: "sum", column: "amount", window: "1h", type: "money" },
      note: { kind: "point_in_time", column: "note", window: "1h", type: "text" },
      days: { kind: "behavioural", measure: "recency", unit: "days", window: "1h" },
      speed: { kind: "behavioural", measure: "velocity", window: "1h", type: "money" },
      ever: count("all"),
    });
    expect(
      asOf(set, [{ at: "2026-02-01T00:00:00Z", note: "x", amount: "1" }], "2026-03-01T12:00:00Z"),
    ).toMatchObject({
      n: "0",
      kinds: "0",
      rate: "0.00",
      total: null,
      note: null,
      days: null,
      speed: null,
      ever: "1",
    });
  });
});

describe("behaviour", () => {
  const set = setOf([rolling("1h", HOUR, 5 * MINUTE)], {
    rate: { kind: "behavioural", measure: "frequency", unit: "day", window: "1h", type: "money" },
    slow: { kind: "behavioural", measure: "frequency", unit: "minute", window: "1h", type: "money" },
    speed: { kind: "behavioural", measure: "velocity", window: "1h", type: "money" },
    days: { kind: "behavioural", measure: "recency", unit: "days", window: "1h" },
  });

  test("frequency is rows by time, half up", () => {
    // 3 in an hour: 72 in a day, 0.05 in a minute.
    expect(asOf(set, at("09:30:00", "09:31:00", "09:32:00"), "2026-03-01T10:00:00Z")).toMatchObject({
      rate: "72.00",
      slow: "0.05",
    });
  });

  test("velocity is against the interval before, whose rows count nowhere else", () => {
    const before = at("08:05:00", "08:30:00", "09:04:59");
    expect(asOf(set, [...before, ...at("09:05:00", "09:30:00")], "2026-03-01T10:00:00Z")).toMatchObject({
      speed: "0.67",
      rate: "48.00",
    });
    expect(asOf(set, at("08:04:59.999999", "09:30:00"), "2026-03-01T10:00:00Z")).toMatchObject({
      speed: null,
    });
    expect(asOf(set, before, "2026-03-01T10:00:00Z")).toBeUndefined();
    const kept = setOf([rolling("1h", HOUR, 5 * MINUTE), { kind: "unbounded", name: "all" }], {
      speed: { kind: "behavioural", measure: "velocity", window: "1h", type: "money" },
    });
    expect(asOf(kept, before, "2026-03-01T10:00:00Z")).toMatchObject({ speed: "0.00" });
  });

  test("recency changes with the day, also within a granule of several days", () => {
    const long = setOf([rolling("30d", 30 * DAY, 10 * DAY)], {
      days: { kind: "behavioural", measure: "recency", unit: "days", window: "30d" },
    });
    const days = new FeatureComputation(long).ofEntity([rowOf(long, { at: DAY_START })]);
    const on = (day: string) =>
      String(days(microsOfIso(`2026-03-0${day}T00:00:00Z`) as bigint)?.features.get("days"));
    expect([on("1"), on("2"), on("3"), on("2")]).toEqual(["0", "1", "2", "1"]);
  });
});

describe("windows that stand", () => {
  test("features are of their rows alone; recency goes on", () => {
    const window: Window = {
      kind: "sliding",
      name: ONLY_WINDOW,
      lengthMs: DAY,
      slideMs: 6 * HOUR,
      retentionMs: DAY,
    };
    const set = setOf([window], {
      n: count(),
      rate: { kind: "behavioural", measure: "frequency", unit: "hour", window: ONLY_WINDOW, type: "money" },
      days: { kind: "behavioural", measure: "recency", unit: "days", window: ONLY_WINDOW },
    });
    const start = Date.parse(DAY_START);
    const rows = at("05:00:00", "23:00:00").map((row) => rowOf(set, row));
    const features = new FeatureComputation(set).ofWindow(rows, start);
    const shown = (now: string) =>
      [...(features(microsOfIso(now) as bigint)?.features.values() ?? [])].map(String);
    expect(shown("2026-03-01T23:30:00Z")).toEqual(["2", "0.08", "0"]);
    expect(shown("2026-03-04T00:00:00Z")).toEqual(["2", "0.08", "3"]);
    expect(new FeatureComputation(set).ofWindow([], start)(0n)).toBeNull();
  });
});

describe("derived features", () => {
  const feature = (name: string): Expression => ({ op: "feature", name });
  const literal = (value: string): Expression => ({ op: "literal", value });
  const text = (value: string): Expression => ({ op: "text", value });
  const call = (op: "coalesce" | "ratio" | "bucket" | "cross", ...operands: Expression[]): Expression => ({
    op,
    arguments: operands,
  });
  const window = "all";
  const derive = (expression: Expression, type: string, rows: Given[] = [{ at: DAY_START }]) =>
    asOf(
      setOf([{ kind: "unbounded", name: window }], {
        n: count(window),
        total: { kind: "aggregated", aggregate: "sum", column: "amount", window, type: "money" },
        note: { kind: "point_in_time", column: "note", window, type: "text" },
        paid: { kind: "point_in_time", column: "paid", window, type: "yes" },
        f: { kind: "derived", expression, type },
      }),
      rows,
      "2026-03-01T12:00:00Z",
    )?.f;

  test.each<[string, Expression, string, string | null]>([
    [
      "coalesce takes the first that is known",
      call("coalesce", feature("total"), feature("n"), literal("9")),
      "money",
      "1.00",
    ],
    ["coalesce of texts", call("coalesce", feature("note"), text("none")), "text", "none"],
    ["coalesce of nothing", call("coalesce", feature("total"), feature("total")), "money", null],
    ["ratio", call("ratio", literal("1"), literal("3"), literal("7")), "money", "0.33"],
    ["ratio by zero", call("ratio", literal("1"), literal("0.0"), literal("7")), "money", "7.00"],
    ["ratio by zero that says nothing", call("ratio", literal("1"), literal("0")), "money", null],
    ["ratio of null by zero", call("ratio", feature("total"), literal("0"), literal("7")), "money", null],
    ["ratio by null", call("ratio", literal("1"), feature("total"), literal("7")), "money", null],
    [
      "ratio that does not need its zero",
      call("ratio", literal("1"), literal("2"), feature("total")),
      "money",
      "0.50",
    ],
    ["bucket below", call("bucket", literal("9.99"), literal("10"), literal("100")), "whole", "0"],
    ["bucket at an edge", call("bucket", literal("10"), literal("10.0"), literal("100")), "whole", "1"],
    ["bucket above", call("bucket", literal("1000"), literal("10"), literal("100")), "whole", "2"],
    ["bucket of null", call("bucket", feature("total"), literal("10")), "whole", null],
    ["cross", call("cross", text("a|b"), feature("n"), literal("12"), text("")), "text", "a|b|1|12|"],
    ["cross with null", call("cross", text("a"), feature("note")), "text", null],
    ["texts are equal", { op: "=", left: text("it''s"), right: text("it''s") }, "yes", "true"],
    ["texts are not", { op: "!=", left: text("a"), right: text("A") }, "yes", "true"],
    ["a text and null", { op: "=", left: text("a"), right: feature("note") }, "yes", null],
  ])("%s", (_, expression, type, expected) => {
    expect(derive(expression, type)).toBe(expected);
  });

  test("booleans and whole numbers are crossed as words and digits", () => {
    const rows = [{ at: DAY_START, paid: "true", note: "x" }];
    expect(derive(call("cross", feature("paid"), feature("note"), feature("n")), "text", rows)).toBe(
      "true|x|1",
    );
    expect(derive({ op: "=", left: feature("paid"), right: feature("paid") }, "yes", rows)).toBe("true");
  });
});
