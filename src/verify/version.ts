/**
 * Position in the database's log: transactions by commit, changes of a row within, a delete before its re-creation. What
 * cannot be read comes before all, since it may be a spoilt copy of a good event.
 */
export interface Version {
  commit: number | bigint;
  lsn: number | bigint;
  rank: Rank;
}

export type Rank = -1 | 0 | 1;

export function isOlder(a: Version, b: Version): boolean {
  // Only < and > compare a number with a bigint by value.
  if (a.commit < b.commit || a.commit > b.commit) return a.commit < b.commit;
  if (a.lsn < b.lsn || a.lsn > b.lsn) return a.lsn < b.lsn;
  return a.rank < b.rank;
}

/** A number where it is exact: several times cheaper to keep and compare than a bigint. */
export function exactly(digits: string): number | bigint {
  return digits.length <= 15 ? Number(digits) : BigInt(digits);
}
