/** What golden tests came to; `--json` prints it as it is. */
import type { Cell } from "./compare.ts";

export interface CaseReport {
  file: string;
  name: string;
  ok: boolean;
  cells: Cell[];
  /** Why there is nothing to compare, where the job failed. */
  error?: string;
}

export interface GoldenReport {
  ok: boolean;
  cases: CaseReport[];
}

export function goldenReport(cases: CaseReport[]): GoldenReport {
  return { ok: cases.every(({ ok }) => ok), cases };
}
