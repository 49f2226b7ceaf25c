/** Rules about windows and times. */
import { formatDuration, LONGEST_MS, parseDuration } from "../duration.ts";
import { DAY, type DraftWindow, timeOf, type WindowTime, withArticle } from "../windows.ts";
import type { Rules } from "./rule.ts";

/** A row would be kept and computed in each of these windows. */
const MOST_OVERLAPPING = 100;

export const windowRules: Rules = {
  *"window-or-windows"({ windowKeys, windows }) {
    const [first, second] = windowKeys;
    if (first === undefined) {
      yield {
        path: ["window"],
        message:
          "a feature set needs window for its only window, or windows for several, each under its name",
      };
    } else if (second !== undefined) {
      const message =
        "there is window, too: the only window is in window, several are in windows, each with a name";
      yield { path: ["windows"], atKey: true, message };
    } else if (first === "windows" && windows.length === 0) {
      yield { path: ["windows"], message: "there is at least one window" };
    }
  },

  /** The online store tells the windows of an entity apart by the second in which they start. */
  *"window-length"({ windows }) {
    for (const { path, times } of windows) {
      for (const [time, text] of Object.entries(times)) {
        const milliseconds = parseDuration(text);
        const what = time === "length" ? "a window" : time;
        if (milliseconds === 0 && time !== "retention") {
          yield { path: [...path, time], message: `${what} is longer than nothing` };
        }
        if (milliseconds % 1000 !== 0) {
          yield { path: [...path, time], message: `${what} lasts whole seconds, not ${text}` };
        }
      }
    }
  },

  *"window-slide"({ windows }) {
    for (const window of windows) {
      const { path, times } = window;
      const length = soundTime(window, "length");
      const slide = soundTime(window, "slide");
      if (!length || !slide) continue;
      const at = [...path, "slide"];
      if (length % slide !== 0) {
        yield {
          path: at,
          message: `the slide, ${times.slide}, does not divide the length, ${times.length}: some rows would be in more windows than others`,
        };
      } else if (length / slide > MOST_OVERLAPPING) {
        yield {
          path: at,
          message: `each row would be in ${length / slide} windows, and ${MOST_OVERLAPPING} is the most; in a rolling window it is once`,
          suggestion: formatDuration(shortestSlide(length)),
        };
      }
    }
  },

  *"window-granularity"({ windows }) {
    for (const window of windows) {
      const length = soundTime(window, "length");
      const { granularity: text } = window.times;
      const granularity = text === undefined ? undefined : soundTime(window, "granularity");
      if (!granularity) continue;
      const path = [...window.path, "granularity"];
      if (DAY % granularity !== 0 && granularity % DAY !== 0) {
        yield {
          path,
          message: `${text} neither divides a day nor is whole days: its steps would differ from day to day`,
        };
      } else if (length && length % granularity !== 0) {
        yield {
          path,
          message: `the granularity, ${text}, does not divide the length, ${window.times.length}`,
        };
      }
    }
  },

  /** A set ages in steps of the smallest one, at which all its windows must be able to move. */
  *"granularity-steps"({ windows }) {
    const granular = windows.flatMap((window) => {
      const granularity = soundTime(window, "granularity");
      return granularity ? [{ window, granularity }] : [];
    });
    const smallest = granular.toSorted((a, b) => a.granularity - b.granularity)[0];
    if (smallest === undefined) return;
    for (const { window, granularity } of granular) {
      if (granularity % smallest.granularity === 0) continue;
      const told = window.times.granularity === undefined ? `, ${window.name}'s unless told,` : "";
      yield {
        path: [...window.path, "granularity"],
        message: `${formatDuration(granularity)}${told} is not a multiple of ${formatDuration(smallest.granularity)}, the smallest granularity here, that of ${smallest.window.name}`,
      };
    }
  },

  *"session-length"({ windows }) {
    for (const window of windows) {
      const gap = soundTime(window, "gap");
      const longest = soundTime(window, "longest");
      if (!gap || !longest || longest >= gap) continue;
      const unless = window.times.longest === undefined ? ` (${formatDuration(longest)} unless told)` : "";
      yield {
        path: [...window.path, "longest"],
        message: `longest${unless} is shorter than the gap, ${window.times.gap}, so that no pause could end a session`,
      };
    }
  },

  *"append-only"({ appendOnly, windows }) {
    if (!appendOnly) return;
    const unfit = windows.flatMap(({ path, kind }) =>
      kind === undefined || kind === "tumbling" || kind === "sliding" ? [] : [{ path, kind }],
    );
    for (const { path, kind } of unfit) {
      yield {
        path: [...path, "type"],
        message: `an append_only job keeps no rows, and ${withArticle(kind)} window takes rows out again or keeps them: leave append_only out and the exact job does it`,
        allowed: ["tumbling", "sliding"],
      };
    }
    if (unfit.length === 0 && windows.length > 1) {
      yield {
        path: ["windows"],
        atKey: true,
        message:
          "an append_only job keeps no rows, and with several windows they are needed: leave append_only out and the exact job does it",
        allowed: ["one tumbling or sliding window"],
      };
    }
  },

  *"duration-limit"({ windows, watermark }) {
    const times = windows.flatMap(({ path, times }) =>
      Object.entries(times).map(([time, text]) => ({ path: [...path, time], text })),
    );
    if (watermark !== undefined) times.push({ path: ["watermark"], text: watermark });
    for (const { path, text } of times) {
      if (parseDuration(text) > LONGEST_MS) {
        yield { path, message: `${text} is longer than a hundred years, 36500 days` };
      }
    }
  },
};

/** Undefined, too, where `window-length` objects. */
function soundTime(window: DraftWindow, time: WindowTime): number | undefined {
  const milliseconds = timeOf(window, time);
  return milliseconds && milliseconds % 1000 === 0 ? milliseconds : undefined;
}

/** The length itself is one, so that there is always one. */
function shortestSlide(length: number): number {
  let count = MOST_OVERLAPPING;
  while (length % (count * 1000) !== 0) count--;
  return length / count;
}
