/** Windows whose newest row was computed from history, in one batch: all rows count in them, however late they came. */
import type { Backfill } from "./batches.ts";
import type { Gathered } from "./entity-spool.ts";
import { EntityExpectation, type Expecter } from "./expectation.ts";
import type { History } from "./history.ts";

/**
 * The expectation with final windows as their backfill had to compute them (and, where it is not of now, those that the stream has
 * not come to since), and those of which the log knows nothing: their rows are where they were computed from.
 */
export function withBackfills(
  backfills: Backfill[],
  { rows, elements }: Gathered,
  expectation: EntityExpectation,
  { expecter, history, isNow }: { expecter: Expecter; history: History; isNow: boolean },
): { expectation: EntityExpectation; unknown: number[] } {
  const slots = new Map(expectation.slots);
  const unknown: number[] = [];
  for (const { slot, batchId, createdTimestamp } of rows) {
    const backfill = backfills.find((one) => one.batchId === batchId && one.createdAt === createdTimestamp);
    if (backfill === undefined || slot === null) continue;
    const known = elements.filter((element) => history.slotsOf(element).includes(slot));
    if (known.length === 0 && backfill.source !== "topic") unknown.push(slot);
    const expected = slots.get(slot);
    // The stream goes on with a window that is kept, and nothing is late in it; until it does, it is as of the backfill.
    if (isNow && expected !== undefined && expected.isKept !== false) continue;
    const before = known.filter(({ partition, offset }) => offset < (backfill.end[String(partition)] ?? 0));
    const late = history.rowsOf(slot, before);
    if (late.length === 0) continue;
    slots.set(slot, { slot, at: expecter.at(slot, late), isKept: expected?.isKept ?? false });
  }
  return { expectation: new EntityExpectation([...slots.values()]), unknown };
}
