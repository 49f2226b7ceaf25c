import { expect, test } from "vitest";
import { GUEST, guestWith, problemsOf, SHOPPER, shopperWith } from "./shopper.ts";

const shopper = (changes: Record<string, string>) => problemsOf(shopperWith(changes));
const guest = (changes: Record<string, string>) => problemsOf(guestWith(changes), "guest.yaml");

test("both definitions are right as they are", () => {
  expect(problemsOf(SHOPPER)).toEqual([]);
  expect(problemsOf(GUEST, "guest.yaml")).toEqual([]);
});

const ofGuest: { what: string; changes: Record<string, string>; problems: string[] }[] = [
  // which windows there are
  {
    what: "window and windows",
    changes: { "windows:\n": "window: { type: unbounded }\nwindows:\n" },
    problems: [
      "17:1 window-or-windows: there is window, too: the only window is in window, several are in windows, each with a name",
    ],
  },
  {
    what: "window and windows, and a feature of which nobody knows its window",
    changes: { "windows:\n": "window: { type: unbounded }\nwindows:\n", ", window: 1h": "" },
    problems: [
      "17:1 window-or-windows: there is window, too: the only window is in window, several are in windows, each with a name",
    ],
  },
  {
    what: "a window that perhaps a feature is over whose own definition is wrong",
    changes: { "count, window: 1h": "cnt, window: 1h" },
    problems: ['26:44 wrong-value: "aggregate" cannot be "cnt"'],
  },
  {
    what: "a granularity that cannot be read, beside one that would not go with that unless told",
    changes: {
      "length: 1 hour": "length: 1 hour, granularity: 3 fortnights",
      "granularity: 1 day": "granularity: 3 minutes",
    },
    problems: ['17:53 wrong-value: "3 fortnights" is not a duration'],
  },
  {
    what: "an unknown window",
    changes: { "window: 1h": "window: 1hh" },
    problems: ["26:59 unknown-window: 1hh is not among windows → 1h"],
  },
  {
    what: "a window nearest to one that cannot be a name",
    changes: { "  1h:": "  1H:" },
    problems: [
      '17:3 wrong-name: "1H" cannot be the name of a window → 1h',
      "26:59 unknown-window: 1h is not among windows",
    ],
  },
  {
    what: "no window named where there are several",
    changes: { ", window: 1h": "" },
    problems: [
      "26:3 which-window: there are several windows, and stays_1h does not name its own, as in window: 1h",
    ],
  },
  {
    what: "a window that nothing is over",
    changes: { "window: 1h": "window: 30d" },
    problems: ["17:3 unused-window: no feature is over 1h; leave it out"],
  },
  {
    what: "a window of digits alone, which say no unit",
    changes: { "  1h:": "  '60':", "window: 1h": "window: '60'" },
    problems: [
      "17:3 wrong-name: 60 as the name of a window says no unit",
      "26:59 wrong-value: 60 as the name of a window says no unit",
    ],
  },

  // their times
  {
    what: "a gap of no length, and a granularity of half seconds",
    changes: { "gap: 30 minutes": "gap: 0 minutes", "granularity: 1 day": "granularity: 1500 milliseconds" },
    problems: [
      "18:55 window-length: granularity lasts whole seconds, not 1500 milliseconds",
      "19:32 window-length: gap is longer than nothing",
    ],
  },
  {
    what: "a granularity that does not divide the length",
    changes: { "granularity: 1 day": "granularity: 7 days" },
    problems: ["18:55 window-granularity: the granularity, 7 days, does not divide the length, 30 days"],
  },
  {
    what: "a granularity that a day is no multiple of",
    changes: { "length: 30 days, granularity: 1 day": "length: 35 days, granularity: 7 hours" },
    problems: [
      "18:55 window-granularity: 7 hours neither divides a day nor is whole days: its steps would differ from day to day",
    ],
  },
  {
    what: "granularities of which the smallest does not divide another",
    changes: {
      "granularity: 1 day": "granularity: 2 days",
      "length: 1 hour": "length: 9 days, granularity: 3 days",
    },
    problems: [
      "17:53 granularity-steps: 3 days is not a multiple of 2 days, the smallest granularity here, that of 30d",
    ],
  },
  {
    what: "a granularity that does not divide one that was left out",
    changes: { "granularity: 1 day": "granularity: 3 minutes" },
    problems: [
      "17:3 granularity-steps: 5 minutes, 1h's unless told, is not a multiple of 3 minutes, the smallest granularity here, that of 30d",
    ],
  },
  {
    what: "a session shorter than its gap",
    changes: { "gap: 30 minutes": "gap: 2 hours, longest: 1 hour" },
    problems: [
      "19:50 session-length: longest is shorter than the gap, 2 hours, so that no pause could end a session",
    ],
  },
  {
    what: "a gap longer than a session unless told",
    changes: { "gap: 30 minutes": "gap: 2 days" },
    problems: [
      "19:3 session-length: longest (1 day unless told) is shorter than the gap, 2 days, so that no pause could end a session",
    ],
  },
  {
    what: "a granularity and a longest beyond all measure",
    changes: {
      "granularity: 1 day": "granularity: 40000 days",
      "gap: 30 minutes": "gap: 30 minutes, longest: 6000 weeks",
    },
    problems: [
      "18:55 window-granularity: the granularity, 40000 days, does not divide the length, 30 days",
      "18:55 duration-limit: 40000 days is longer than a hundred years, 36500 days",
      "19:53 duration-limit: 6000 weeks is longer than a hundred years, 36500 days",
    ],
  },

  // which measure is over which
  {
    what: "a velocity over all of time",
    changes: { "measure: velocity, window: 30d": "measure: velocity, window: all" },
    problems: [
      "27:57 velocity-window: a velocity compares with the interval just before, which an unbounded window does not have",
    ],
  },
  {
    what: "a frequency over a session",
    changes: { "unit: day, window: 30d": "unit: day, window: visit" },
    problems: [
      "28:72 frequency-window: a frequency is by the window's length, and a session window has none that is fixed",
    ],
  },
  {
    what: "a frequency over all of time",
    changes: { "unit: day, window: 30d": "unit: day, window: all" },
    problems: [
      "28:72 frequency-window: a frequency is by the window's length, and an unbounded window has none that is fixed",
    ],
  },

  // append_only
  {
    what: "append_only and windows that need their rows",
    changes: { "table: public.stays": "table: public.stays\n  append_only: true" },
    problems: [
      ...[
        ["18:15", "a rolling"],
        ["19:16", "a rolling"],
        ["20:18", "a session"],
        ["21:16", "an unbounded"],
      ].map(
        ([at, window]) =>
          `${at} append-only: an append_only job keeps no rows, and ${window} window takes rows out again or keeps them: leave append_only out and the exact job does it`,
      ),
    ],
  },
  {
    what: "append_only and several windows",
    changes: {
      "table: public.stays": "table: public.stays\n  append_only: true",
      "measure: velocity": "measure: recency, unit: days",
      "type: rolling, length: 1 hour": "type: tumbling, length: 1 hour",
      "type: rolling, length: 30 days, granularity: 1 day": "type: sliding, length: 30 days, slide: 1 day",
      "type: session, gap: 30 minutes": "type: tumbling, length: 1 day",
      "type: unbounded": "type: tumbling, length: 7 days",
    },
    problems: [
      "17:1 append-only: an append_only job keeps no rows, and with several windows they are needed: leave append_only out and the exact job does it",
    ],
  },
];

test.each(ofGuest)("windows: $what", ({ changes, problems }) => {
  expect(guest(changes)).toEqual(problems);
});

const window = "window:\n  type: tumbling\n  length: 30 days\n";

const ofShopper: typeof ofGuest = [
  {
    what: "none",
    changes: { [window]: "windows: {}\n" },
    problems: ["13:10 window-or-windows: there is at least one window"],
  },
  {
    what: "a name for the only window, which has none",
    changes: { "aggregate: count": "aggregate: count, window: 30d" },
    problems: [
      "20:57 unknown-window: 30d is not the name of a window: the only one has none, so leave this out",
    ],
  },
  {
    what: "a slide that does not divide the length",
    changes: { "type: tumbling": "type: sliding\n  slide: 7 days" },
    problems: [
      "15:10 window-slide: the slide, 7 days, does not divide the length, 30 days: some rows would be in more windows than others",
    ],
  },
  {
    what: "a slide longer than the length",
    changes: { "type: tumbling": "type: sliding\n  slide: 60 days" },
    problems: [
      "15:10 window-slide: the slide, 60 days, does not divide the length, 30 days: some rows would be in more windows than others",
    ],
  },
  {
    what: "more than a hundred windows at once",
    changes: { "type: tumbling": "type: sliding\n  slide: 7 hours", "30 days": "707 hours" },
    problems: [
      "15:10 window-slide: each row would be in 101 windows, and 100 is the most; in a rolling window it is once → 25452 seconds",
    ],
  },
  {
    what: "a velocity over the only window",
    changes: { "kind: aggregated, aggregate: count": "kind: behavioural, measure: velocity" },
    problems: [
      "20:41 velocity-window: a velocity compares with the interval just before, which a tumbling window does not have",
    ],
  },
  {
    what: "a retention of half seconds",
    changes: { "length: 30 days": "length: 30 days\n  retention: 1500 milliseconds" },
    problems: ["16:14 window-length: retention lasts whole seconds, not 1500 milliseconds"],
  },
  {
    what: "append_only and a rolling window",
    changes: { "  primary_key": "  append_only: true\n  primary_key", "type: tumbling": "type: rolling" },
    problems: [
      "15:9 append-only: an append_only job keeps no rows, and a rolling window takes rows out again or keeps them: leave append_only out and the exact job does it",
    ],
  },
];

test.each(ofShopper)("the only window: $what", ({ changes, problems }) => {
  expect(shopper(changes)).toEqual(problems);
});

test.each([
  [
    "the only one of windows need not be named",
    { [window]: "windows: { 30d: { type: tumbling, length: 30 days } }\n" },
  ],
  [
    "it may be",
    {
      [window]: "windows: { 30d: { type: tumbling, length: 30 days } }\n",
      "aggregate: count": "aggregate: count, window: 30d",
    },
  ],
  ["the only window's own name may be said", { "aggregate: count": "aggregate: count, window: default" }],
  ["a hundred windows at once", { "type: tumbling": "type: sliding\n  slide: 432 minutes" }],
  ["a slide of the whole length", { "type: tumbling": "type: sliding\n  slide: 30 days" }],
  ["no retention", { "length: 30 days": "length: 30 days\n  retention: 0 days" }],
  [
    "append_only with a sliding window",
    {
      "type: tumbling": "type: sliding\n  slide: 1 day",
      "  primary_key": "  append_only: true\n  primary_key",
    },
  ],
  [
    "a session no longer than its gap",
    { "type: tumbling": "type: session\n  gap: 1 day", "length: 30 days": "longest: 1 day" },
  ],
  ["a granularity of several days", { "type: tumbling": "type: rolling\n  granularity: 3 days" }],
])("right: %s", (_, changes) => {
  expect(shopper(changes as unknown as Record<string, string>)).toEqual([]);
});
