/** What the stores should hold of one entity. */
import { type FeatureSet, isAsOfNow } from "../definition/feature-set.ts";
import { type AsOf, type Computed, FeatureComputation } from "../stores/features.ts";
import type { Row } from "../stores/rows.ts";
import { type Slots, standingWindow, type Watermark } from "./history.ts";

export interface ExpectedSlot {
  slot: number;
  /** Null at moments when it has nothing to show. */
  at: AsOf;
  /** Final windows are served no more; undefined where that cannot be told. */
  isKept: boolean | undefined;
  /** A newer row is in quarantine, so that this one does not age. */
  isHeld?: boolean;
}

export class EntityExpectation {
  readonly slots: ReadonlyMap<number, ExpectedSlot>;

  constructor(slots: ExpectedSlot[]) {
    this.slots = new Map(slots.map((one) => [one.slot, one]));
  }

  /** The latest slot that is kept and has rows: what is served online. */
  served(now: bigint): { slot: ExpectedSlot; computed: Computed } | undefined {
    let served: { slot: ExpectedSlot; computed: Computed } | undefined;
    for (const slot of this.slots.values()) {
      if (slot.isKept === false || (served !== undefined && slot.slot < served.slot.slot)) continue;
      const computed = slot.at(now);
      if (computed !== null) served = { slot, computed };
    }
    return served;
  }
}

/** Makes expectations of the entities of one set. */
export class Expecter {
  readonly #featureSet: FeatureSet;
  readonly #isAsOfNow: boolean;
  readonly #computation: FeatureComputation;

  constructor(featureSet: FeatureSet) {
    this.#featureSet = featureSet;
    this.#isAsOfNow = isAsOfNow(featureSet);
    this.#computation = new FeatureComputation(featureSet);
  }

  expect(slots: Slots<Row>, watermark: Watermark): EntityExpectation {
    return new EntityExpectation(
      [...slots].map(([slot, rows]) => ({
        slot,
        at: this.at(slot, rows),
        isKept: this.isKept(slot, watermark),
      })),
    );
  }

  at(slot: number, rows: Row[]): AsOf {
    return this.#isAsOfNow ? this.#computation.ofEntity(rows) : this.#computation.ofWindow(rows, slot);
  }

  isKept(slot: number, { atLeastMs, atMostMs }: Watermark): boolean | undefined {
    if (this.#isAsOfNow) return true;
    const endMs = slot + standingWindow(this.#featureSet).lengthMs;
    return endMs > atMostMs ? true : endMs <= atLeastMs ? false : undefined;
  }
}
