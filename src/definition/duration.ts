/** Durations as definitions write them, `30 days`. Months and years are left out: they have no fixed length. */

import { nearest } from "./nearest.ts";
import type { Wrong } from "./wrong.ts";

const UNITS = {
  weeks: 7 * 24 * 3_600_000,
  days: 24 * 3_600_000,
  hours: 3_600_000,
  minutes: 60_000,
  seconds: 1000,
  milliseconds: 1,
} as const;

/** Only as they stand here: `M` is a month to some. */
const ABBREVIATIONS: Record<string, keyof typeof UNITS> = {
  w: "weeks",
  d: "days",
  h: "hours",
  hr: "hours",
  hrs: "hours",
  m: "minutes",
  min: "minutes",
  mins: "minutes",
  s: "seconds",
  sec: "seconds",
  secs: "seconds",
  ms: "milliseconds",
};

export const DURATION_PATTERN = /^[0-9]{1,9} +(week|day|hour|minute|second|millisecond)s?$/;

/** A hundred years; beyond it the microseconds of a time would leave the range all our tools share. */
export const LONGEST_MS = 36_500 * UNITS.days;

/** Milliseconds of a text that matches the pattern. */
export function parseDuration(text: string): number {
  const [amount, unit] = text.split(/ +/) as [string, string];
  return Number(amount) * UNITS[pluralOf(unit) as keyof typeof UNITS];
}

/** In the largest unit from days down that divides it exactly: 86400000 is `1 day`. */
export function formatDuration(milliseconds: number): string {
  const { weeks, ...units } = UNITS;
  for (const [unit, size] of Object.entries(units)) {
    if (milliseconds % size === 0) return counted(milliseconds / size, unit);
  }
  throw new RangeError(`a duration is a whole number of milliseconds, not ${milliseconds}`);
}

export function explainDuration(value: unknown): Wrong {
  const allowed = [`a whole number and one of ${Object.keys(UNITS).join(", ")}, as in 30 days`];
  const text = String(value);
  const [, amount, unit] = /^(-?[0-9]+) *([a-z]*)$/i.exec(text) ?? [];
  if (amount?.startsWith("-")) return { message: `a duration is never negative: ${text}`, allowed };
  if (unit && /^(month|year)s?$/i.test(unit)) {
    return { message: `${text} has no fixed length; write it in days`, allowed };
  }
  const meant = unit && unitMeantBy(unit);
  const suggestion = meant ? counted(Number(amount), meant) : undefined;
  return { message: `${JSON.stringify(value)} is not a duration`, allowed, suggestion };
}

function unitMeantBy(word: string): string | undefined {
  const units = Object.keys(UNITS);
  if (Object.hasOwn(ABBREVIATIONS, word)) return ABBREVIATIONS[word];
  return units.find((unit) => unit === pluralOf(word)) ?? nearest(pluralOf(word), units);
}

function counted(amount: number, units: string): string {
  return `${amount} ${amount === 1 ? units.slice(0, -1) : units}`;
}

function pluralOf(unit: string): string {
  return unit.endsWith("s") ? unit : `${unit}s`;
}
