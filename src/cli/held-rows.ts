/** What is in quarantine, in the form of `quarantine --json`. */
import type { FeatureSet } from "../definition/feature-set.ts";
import { isoOfMicros } from "../platform/instants.ts";
import { readQuarantine } from "../stores/offline.ts";

/** Times are ISO 8601, UTC. */
export interface Held {
  entity: string | null;
  windowStart: string | null;
  /** The batch that computed the row. */
  version: string;
  createdAt: string;
  features: Record<string, string | null>;
  rules: string[];
  reasons: string[];
}

/** All rows, the newest first. Throws EnvironmentError for a file that cannot be read. */
export async function heldRows(
  featureSet: FeatureSet,
  { offlineRoot, scratch }: { offlineRoot: string; scratch: string },
): Promise<Held[]> {
  const names = featureSet.features.map(({ name }) => name);
  const held: Held[] = [];
  await readQuarantine(featureSet, { offlineRoot, scratch, all: true }, (row) => {
    const values = JSON.parse(row.features) as (string | null)[];
    held.push({
      entity: row.entity,
      windowStart: row.windowStart === null ? null : isoOfMicros(row.windowStart),
      version: String(row.batchId),
      createdAt: isoOfMicros(row.createdTimestamp ?? 0n),
      features: Object.fromEntries(names.map((name, i) => [name, values[i] ?? null])),
      rules: JSON.parse(row.rules),
      reasons: JSON.parse(row.reasons),
    });
  });
  return held.sort((a, b) => Number(b.version) - Number(a.version) || (a.createdAt < b.createdAt ? 1 : -1));
}
