/** How old changes are when they can be read in Redis, in buckets that bound what is kept. */

export interface Percentiles {
  p50Ms: number | null;
  p99Ms: number | null;
}

const EXACT_MS = 128;
/** From there on each bucket is two per cent wider than the one before. */
const GROWTH = Math.log(1.02);
const RECENT_SECONDS = 10;

type Buckets = Map<number, number>;

export class Freshness {
  readonly #all: Buckets = new Map();
  readonly #bySecond = new Map<number, Buckets>();

  add(ages: number[], nowMs: number): void {
    const second = Math.floor(nowMs / 1000);
    const recent = this.#bySecond.get(second) ?? new Map();
    this.#bySecond.set(second, recent);
    for (const age of ages) {
      const bucket = bucketOf(Math.max(age, 0));
      for (const buckets of [this.#all, recent]) buckets.set(bucket, (buckets.get(bucket) ?? 0) + 1);
    }
    for (const old of this.#bySecond.keys()) if (old <= second - RECENT_SECONDS) this.#bySecond.delete(old);
  }

  /** Of all. */
  total(): Percentiles {
    return percentiles([this.#all]);
  }

  /** Of the last ten seconds. */
  recent(nowMs: number): Percentiles {
    const from = Math.floor(nowMs / 1000) - RECENT_SECONDS;
    return percentiles([...this.#bySecond].flatMap(([second, buckets]) => (second > from ? [buckets] : [])));
  }
}

function percentiles(parts: Buckets[]): Percentiles {
  const merged: Buckets = new Map();
  for (const part of parts)
    for (const [bucket, count] of part) merged.set(bucket, (merged.get(bucket) ?? 0) + count);
  const sorted = [...merged].sort(([a], [b]) => a - b);
  const total = sorted.reduce((sum, [, count]) => sum + count, 0);
  const at = (share: number) => {
    let left = Math.ceil(total * share);
    for (const [bucket, count] of sorted) {
      left -= count;
      if (left <= 0) return msOf(bucket);
    }
    return null;
  };
  return { p50Ms: at(0.5), p99Ms: at(0.99) };
}

function bucketOf(ms: number): number {
  return ms <= EXACT_MS ? Math.round(ms) : EXACT_MS + Math.round(Math.log(ms / EXACT_MS) / GROWTH);
}

function msOf(bucket: number): number {
  return bucket <= EXACT_MS ? bucket : Math.round(EXACT_MS * Math.exp((bucket - EXACT_MS) * GROWTH));
}
