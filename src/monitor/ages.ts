/** How old changes were when they could be read: what batches tell of it, put together. Pure. */

/** Of a batch. `shares` grow up to 1: which share of the changes was at most how old, in seconds. */
export interface Ages {
  count: number;
  shares: [share: number, seconds: number][];
}

/** Upper bounds of the buckets of a histogram, in seconds. */
export const BUCKETS = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800, 3600] as const;

/** Changes and their ages, each not older than it says. */
function parts({ count, shares }: Ages): { seconds: number; changes: number }[] {
  let before = 0;
  return shares.map(([share, seconds]) => {
    const changes = (share - before) * count;
    before = share;
    return { seconds, changes };
  });
}

/** At most how old which share of all changes was, in seconds; null without any. */
export function quantile(all: Ages[], share: number): number | null {
  const sorted = all.flatMap(parts).sort((a, b) => a.seconds - b.seconds);
  const total = sorted.reduce((sum, { changes }) => sum + changes, 0);
  if (total === 0) return null;
  // A hair less, since shares of floating point need not add up to a whole.
  let left = total * share - total * 1e-9;
  for (const { seconds, changes } of sorted) {
    left -= changes;
    if (left <= 0) return seconds;
  }
  return sorted.at(-1)?.seconds ?? null;
}

export interface Histogram {
  /** Changes per bucket of `BUCKETS`, and one more for those beyond; not cumulative. */
  counts: number[];
  sum: number;
}

export function emptyHistogram(): Histogram {
  return { counts: new Array(BUCKETS.length + 1).fill(0), sum: 0 };
}

/** As many changes more as the batch had. */
export function withAges({ counts, sum }: Histogram, ages: Ages): Histogram {
  const grown = [...counts];
  let added = 0;
  let told = 0;
  let more = 0;
  for (const { seconds, changes } of parts(ages)) {
    told += changes;
    more += seconds * changes;
    // Rounded so that all of them are the count.
    const whole = Math.round(told) - added;
    added += whole;
    const at = BUCKETS.findIndex((bound) => seconds <= bound);
    const bucket = at === -1 ? BUCKETS.length : at;
    grown[bucket] = (grown[bucket] ?? 0) + whole;
  }
  return { counts: grown, sum: sum + more };
}
