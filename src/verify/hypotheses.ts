/** What may have gone wrong with the rows of one slot, and which rows would count then. */
import { rowText } from "../stores/rows.ts";
import type { Scope } from "./compare.ts";
import type { Element, Position } from "./elements.ts";
import { place, rowAt } from "./event-names.ts";
import type { Expecter } from "./expectation.ts";
import type { History } from "./history.ts";

export interface Slot {
  slot: number;
  /** In the order of their versions. */
  onTime: Element[];
  late: Element[];
  scope: Scope;
  expecter: Expecter;
  history: History;
  topic: string | undefined;
}

export interface Hypothesis {
  rows: Element[];
  /** After "it is what comes". */
  says: string;
}

type Hypotheses = (slot: Slot, topic: string) => Hypothesis[];

/** From the likeliest on. */
export const HYPOTHESES: Hypotheses[] = [
  function missingOne({ slot, onTime, history, scope }, topic) {
    return eventsOf(onTime).map((event) => ({
      rows: history.rowsOf(
        slot,
        onTime.filter((element) => !isSameEvent(element, event)),
      ),
      says: `without ${event.isGone ? "the leaving of " : ""}${rowAt(scope.featureSet, topic, event)}`,
    }));
  },
  function countingTwice({ slot, onTime, history, scope }, topic) {
    const rows = history.rowsOf(slot, onTime);
    return rows.map((row) => ({
      rows: [...rows, row],
      says: `with ${rowAt(scope.featureSet, topic, row)} counted twice`,
    }));
  },
  function leavingARowBehind({ slot, onTime, history, scope }, topic) {
    return onTime.flatMap((element, i) => {
      const later = new Set(onTime.slice(i + 1).filter((other) => rowText(other) === rowText(element)));
      // One event that is missing has been tried.
      if (later.size < 2) return [];
      const rows = history.rowsOf(
        slot,
        onTime.filter((other) => !later.has(other)),
      );
      const said = `with ${rowAt(scope.featureSet, topic, element)} as it was then, without the ${later.size} events that changed it since`;
      return [{ rows, says: said }];
    });
  },
  function endingEarly({ slot, onTime, history }, topic) {
    return onTime
      .slice(0, -2)
      .map((last, i) => ({
        rows: history.rowsOf(slot, onTime.slice(0, i + 1)),
        says: `without the last ${onTime.length - i - 1} events, after ${place(topic, last)}`,
      }))
      .reverse();
  },
  function countingLate({ slot, onTime, late, history, scope }, topic) {
    if (late.length === 0) return [];
    const each = late.map((element) => ({
      rows: history.rowsOf(slot, [...onTime, element]),
      says: `with ${rowAt(scope.featureSet, topic, element)}, which was late`,
    }));
    const all = {
      rows: history.rowsOf(slot, [...onTime, ...late]),
      says: `with all ${late.length} late events, such as ${place(topic, late[0] as Element)}`,
    };
    return late.length === 1 ? each : [...each, all];
  },
  function missingTruncate({ slot, onTime, history }, topic) {
    const newest = new Map(onTime.map((element) => [rowText(element), element]));
    const rows = [...newest.values()].filter(({ isGone }) => !isGone);
    const [truncate] = rows.flatMap((row) => history.truncateOf(slot, row) ?? []);
    return truncate === undefined ? [] : [{ rows, says: `without the truncate ${place(topic, truncate)}` }];
  },
];

/** One element of each event; of one that left and entered, where the row is. */
function eventsOf(elements: Element[]): Element[] {
  const events = new Map<string, Element>();
  for (const element of elements) {
    const key = `${element.partition} ${element.offset}`;
    if (events.get(key)?.isGone !== false) events.set(key, element);
  }
  return [...events.values()];
}

function isSameEvent(a: Position, b: Position): boolean {
  return a.partition === b.partition && a.offset === b.offset;
}
