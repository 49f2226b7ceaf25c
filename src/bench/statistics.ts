/** Numbers out of many numbers. */

export interface Percentiles {
  count: number;
  p50: number;
  p95: number;
  p99: number;
  max: number;
}

/** By the nearest rank, so that each is a value that was measured. Undefined without values. */
export function percentilesOf(values: number[]): Percentiles | undefined {
  if (values.length === 0) return undefined;
  const sorted = [...values].sort((a, b) => a - b);
  const at = (share: number) => rounded(sorted[Math.ceil(share * sorted.length) - 1] as number);
  return { count: sorted.length, p50: at(0.5), p95: at(0.95), p99: at(0.99), max: at(1) };
}

export function median(values: number[]): number | undefined {
  return percentilesOf(values)?.p50;
}

/** Three digits after the point: more is noise, in milliseconds as in seconds. */
export function rounded(value: number): number {
  return Math.round(value * 1000) / 1000;
}

/** Whether what came last in time took clearly longer than what came first: what waits, grows. */
export function isGrowing(latenciesMs: number[]): boolean {
  const quarter = Math.floor(latenciesMs.length / 4);
  if (quarter < 5) return false;
  const first = median(latenciesMs.slice(0, quarter)) as number;
  const last = median(latenciesMs.slice(-quarter)) as number;
  return last > 1.5 * first + 500;
}
