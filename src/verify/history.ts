/** The history of one entity to the rows that count: by version to rows, by rows to windows. Pure. */
import {
  type FeatureSet,
  isAsOfNow,
  type SlidingWindow,
  type TumblingWindow,
} from "../definition/feature-set.ts";
import { rowText } from "../stores/rows.ts";
import { startsOfWindows } from "../stores/windows.ts";
import type { Element, Position } from "./elements.ts";
import { isOlder, type Version } from "./version.ts";

/** What the log says of all entities. Watermarks are event times in ms, less the delay and the retention. */
export interface LogFacts {
  /** The one that each batch was judged by, by the batch's number. */
  watermarks: number[];
  truncates: Truncated[];
  /** The one that windows are final by now; the true one is between both. */
  watermark: Watermark;
}

export type Truncated = Version & Position;

export interface Watermark {
  atLeastMs: number;
  atMostMs: number;
}

/**
 * Where values of an entity stand: the start of each of its windows in ms, or 0, the only one, in a set as of now.
 *
 * A slot whose rows are all gone is there with none.
 */
export type Slots<R> = Map<number, R[]>;

/** The delay behind the clock after which a window takes no more rows. */
export function latenessAllowedMs(featureSet: FeatureSet): number {
  return featureSet.watermarkMs + standingWindow(featureSet).retentionMs;
}

export function standingWindow({ windows }: FeatureSet): TumblingWindow | SlidingWindow {
  return windows[0] as TumblingWindow | SlidingWindow;
}

export class History {
  readonly #facts: LogFacts;
  /** Undefined in a set as of now, whose elements are never late. */
  readonly #window: TumblingWindow | SlidingWindow | undefined;

  constructor(featureSet: FeatureSet, facts: LogFacts) {
    this.#facts = facts;
    this.#window = isAsOfNow(featureSet) ? undefined : standingWindow(featureSet);
  }

  /** The rows that count by their newest elements; late elements change nothing. In any order. */
  slots(elements: Element[]): Slots<Element> {
    const newest = new Map<number, Map<string, Element>>();
    for (const element of elements) {
      for (const slot of this.slotsOf(element)) {
        if (this.isLate(slot, element)) continue;
        const rows = newest.get(slot);
        if (rows === undefined) newest.set(slot, new Map([[rowText(element), element]]));
        else keepNewest(rows, element);
      }
    }
    return new Map([...newest].map(([slot, rows]) => [slot, this.#existing(slot, rows)]));
  }

  /** The rows of one slot by some of its elements, as if none of them were late. */
  rowsOf(slot: number, elements: Element[]): Element[] {
    const newest = new Map<string, Element>();
    for (const element of elements) keepNewest(newest, element);
    return this.#existing(slot, newest);
  }

  /** Of each row the newest element, wherever it is, that is not late. */
  newest(elements: Element[]): Element[] {
    const newest = new Map<string, Element>();
    for (const element of elements) {
      const isOnTime = this.slotsOf(element).some((slot) => !this.isLate(slot, element));
      if (isOnTime) keepNewest(newest, element);
    }
    return [...newest.values()];
  }

  slotsOf({ eventTime }: Element): number[] {
    return this.#window === undefined ? [0] : startsOfWindows(this.#window, eventTime);
  }

  /** Whether the slot was final by the batches before that of the event. */
  isLate(slot: number, { batch }: Position): boolean {
    return (
      this.#window !== undefined && slot + this.#window.lengthMs <= (this.#facts.watermarks[batch] as number)
    );
  }

  /** The truncate that took the row from the slot. */
  truncateOf(slot: number, row: Element): Truncated | undefined {
    return this.#facts.truncates.find(
      (truncate) => isOlder(row.version, truncate) && !this.isLate(slot, truncate),
    );
  }

  #existing(slot: number, newest: Map<string, Element>): Element[] {
    return [...newest.values()].filter((row) => !row.isGone && this.truncateOf(slot, row) === undefined);
  }
}

/** Of one event's two elements, where the row is counts. */
function keepNewest(rows: Map<string, Element>, element: Element): void {
  const row = rowText(element);
  const known = rows.get(row);
  const isNewer =
    known === undefined ||
    isOlder(known.version, element.version) ||
    (known.isGone && !element.isGone && !isOlder(element.version, known.version));
  if (isNewer) rows.set(row, element);
}
