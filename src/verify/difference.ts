/** What a comparison found, in the shape that `verify --json` prints. */

export interface Difference {
  /** Null for a finding about a file. */
  entity: string | null;
  store: "online" | "offline";
  /** Null when a whole key, row or file is meant; `_…` for the stores' own fields. */
  feature: string | null;
  expected: string | null;
  actual: string | null;
  /** One sentence for a human. */
  because: string;
  kind: DifferenceKind;
  /** Start of the window, ISO UTC, where one is meant. */
  window?: string;
}

/**
 * `missing`: should be there and is not · `extra`: is there and should not be · `different`: another value ·
 * `stale`: was right, at the offsets that the job has come to or on an earlier day, and is no longer.
 */
export type DifferenceKind = "missing" | "extra" | "different" | "stale";

export function offlineFileFinding(
  kind: DifferenceKind,
  file: string,
  because: string,
  expected: string | null = null,
  actual: string | null = null,
): Difference {
  return {
    entity: null,
    store: "offline",
    feature: null,
    expected,
    actual,
    because: `${file} ${because}`,
    kind,
  };
}
