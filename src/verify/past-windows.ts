/**
 * Windows whose newest row is of a batch beside the chain, a backfill or another checkpoint's: such a batch wrote a window only
 * where nothing before was late for it, so all rows count that came before its end.
 */
import type { BatchAside } from "./batches.ts";
import type { StoredRow } from "./compare.ts";
import type { Gathered } from "./entity-spool.ts";
import { EntityExpectation, type ExpectedSlot, type Expecter } from "./expectation.ts";
import type { History } from "./history.ts";

export interface PastWindows {
  expectation: EntityExpectation;
  /** Of the slots whose row is of a batch beside the chain, what that batch had to compute. */
  beside: ReadonlyMap<number, ExpectedSlot>;
  /** Slots of which the log knows nothing: their rows are where they were computed from. */
  unknown: ReadonlySet<number>;
}

/**
 * The expectation for `rows`, the newest of each slot in the stores or in quarantine: with final windows as the batch beside had
 * to compute them (and, where it is not of now, those that the stream has not come to since a backfill).
 */
export function withBatchesAside(
  aside: ReadonlyMap<bigint, BatchAside[]>,
  { rows, elements }: { rows: readonly StoredRow[]; elements: Gathered["elements"] },
  expectation: EntityExpectation,
  { expecter, history, isNow }: { expecter: Expecter; history: History; isNow: boolean },
): PastWindows {
  const slots = new Map(expectation.slots);
  const beside = new Map<number, ExpectedSlot>();
  const unknown = new Set<number>();
  for (const { slot, batchId, createdTimestamp } of rows) {
    if (batchId === null || slot === null) continue;
    const batch = aside
      .get(batchId)
      ?.find(({ createdAt }) => createdAt === undefined || createdAt === createdTimestamp);
    if (batch === undefined) continue;
    const known = elements.filter((element) => history.slotsOf(element).includes(slot));
    if (known.length === 0 && batch.source !== "topic") unknown.add(slot);
    const before = known.filter(({ partition, offset }) => offset < (batch.end[String(partition)] ?? 0));
    const late = history.rowsOf(slot, before);
    if (late.length === 0) continue;
    const expected = slots.get(slot);
    const then = { slot, at: expecter.at(slot, late), isKept: expected?.isKept ?? false };
    beside.set(slot, then);
    // The stream goes on with a window that is kept, and nothing is late in it; until it does, it is as of a backfill.
    const isStreams = isNow || batch.createdAt === undefined;
    if (isStreams && expected !== undefined && expected.isKept !== false) continue;
    slots.set(slot, then);
  }
  return { expectation: new EntityExpectation([...slots.values()]), beside, unknown };
}
