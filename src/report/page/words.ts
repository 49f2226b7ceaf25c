/** What several sections say alike. */
import { type Markup, markup } from "../../page/markup.ts";
import { duration } from "../../page/numbers.ts";

export const NOTHING_TOLD = "No run of this set has told anything here yet.";

/** An ISO time in UTC to the second, as a person reads it. */
export function time(iso: string): string {
  const [, day, clock] = /^(\S+)T(\d\d:\d\d:\d\d)/.exec(iso) ?? [];
  return day === undefined ? iso : `${day} ${clock} UTC`;
}

/** The same, in a cell of a table that does not break it. */
export function timeCell(iso: string): Markup {
  return markup`<span class="nowrap">${time(iso)}</span>`;
}

/** `dead_letter` is "dead letter". */
export function words(name: string): string {
  return name.replaceAll("_", " ");
}

/** Seconds in large digits, and what they are of. */
export function tile(seconds: number | null, what: string): Markup {
  return markup`<div class="tile"><b>${seconds === null ? "not known" : duration(seconds)}</b><span class="soft">${what}</span></div>`;
}

/** When the first and the last of them were, as short as a chart has room for: month, day and time in UTC. */
export function span(all: { at: string }[]): { from: string; to: string } {
  const shortOf = (at = "") => `${at.slice(5, 10)} ${at.slice(11, 19)}`;
  return { from: shortOf(all[0]?.at), to: `${shortOf(all.at(-1)?.at)} UTC` };
}
