/**
 * The companion hashes of the online store, which hold all kept windows of an entity: from them the job picks what it
 * serves, so that an error in here is served some day.
 */
import type { FeatureSet } from "../definition/feature-set.ts";
import { isoOfMicros, microsOfIso } from "../platform/instants.ts";
import { META_FIELDS, type OnlineHash, type OnlineStore, windowsKey } from "../stores/online.ts";
import { onlineText } from "../stores/values.ts";
import { type Comparison, isoOfMs, judge, type NewestBatch } from "./compare.ts";
import type { Difference } from "./difference.ts";
import { type Expectation, isKept, type WindowAggregates } from "./expectation.ts";
import { featuresOf } from "./expected.ts";

/** There must be every kept window that has rows, and no other with values. */
export function compareWindows(
  featureSet: FeatureSet,
  expectation: Expectation,
  store: OnlineStore,
  newestBatch: NewestBatch,
): Comparison {
  const comparison = new WindowsComparison(featureSet, expectation, newestBatch);
  for (const entity of new Set([...expectation.entities.keys(), ...store.windows.keys()])) {
    comparison.compare(entity, store.windows.get(entity));
  }
  return comparison;
}

class WindowsComparison implements Comparison {
  readonly differences: Difference[] = [];
  checkedValues = 0;

  readonly #featureSet: FeatureSet;
  readonly #expectation: Expectation;
  readonly #newestBatch: NewestBatch;

  constructor(featureSet: FeatureSet, expectation: Expectation, newestBatch: NewestBatch) {
    this.#featureSet = featureSet;
    this.#expectation = expectation;
    this.#newestBatch = newestBatch;
  }

  compare(entity: string, hash: OnlineHash | undefined): void {
    const key = windowsKey(this.#featureSet, entity);
    if (hash !== undefined && "problem" in hash) {
      const because = `${key} cannot be read as a hash: ${hash.problem}`;
      this.#report({ entity, expected: "a hash", actual: hash.problem, because, kind: "different" });
      return;
    }
    const unseen = new Map(hash?.fields);
    for (const [startMs, aggregates] of this.#expectation.entities.get(entity) ?? []) {
      const field = String(startMs / 1000).padStart(12, "0");
      const actual = unseen.get(field);
      unseen.delete(field);
      if (isKept(this.#featureSet, startMs, this.#expectation.watermarkMs)) {
        this.#compareWindow(entity, { key, field, startMs, aggregates, actual });
      }
    }
    for (const [field, actual] of unseen) this.#judgeUnknownWindow(entity, key, field, actual);
  }

  #compareWindow(
    entity: string,
    window: {
      key: string;
      field: string;
      startMs: number;
      aggregates: WindowAggregates | null;
      actual: string | undefined;
    },
  ): void {
    const { key, field, startMs, aggregates, actual } = window;
    this.checkedValues += 1;
    const report = (kind: Difference["kind"], expected: string | null, because: string): void =>
      this.#report({ entity, expected, actual: actual ?? null, because, kind }, startMs);
    if (actual === undefined) {
      if (aggregates !== null)
        report("missing", field, `${key} has no field ${field}, though the window has rows`);
      return;
    }
    const entry = parseEntry(actual);
    const newest = this.#newestBatch(entity, startMs);
    if (entry === undefined) {
      report("different", "<version>|<values>", `${key} holds no version and values in field ${field}`);
    } else if (newest !== undefined && BigInt(entry.version) !== newest) {
      const because = `${key} has version ${entry.version} of the window of ${isoOfMs(startMs)}, the newest batch of it is ${newest}`;
      report("different", String(newest).padStart(20, "0"), because);
    } else if (aggregates === null && entry.values !== null) {
      report("extra", null, `${key} has values in field ${field}, though the window lost all its rows`);
    } else if (aggregates !== null && entry.values === null) {
      report("missing", field, `${key} has no values in field ${field}, though the window has rows`);
    } else if (aggregates !== null && entry.values !== null) {
      const problem = this.#problemOf(entry.values, startMs, aggregates);
      if (problem !== undefined) report("different", null, `${key}, field ${field}: ${problem}`);
    }
  }

  /** Values of a window that is served no more are as of when they were computed. */
  #problemOf(values: Map<string, string>, startMs: number, aggregates: WindowAggregates): string | undefined {
    const computedAt = microsOfIso(values.get("_computed_at") ?? "");
    if (computedAt === undefined) return "_computed_at is no ISO time";
    const features = featuresOf(this.#featureSet, aggregates, computedAt);
    const texts = new Map<string, string | null>();
    for (const { name, type } of this.#featureSet.features)
      texts.set(name, onlineText(features.get(name) ?? null, type));
    texts.set("_window_start", isoOfMs(startMs));
    texts.set("_window_end", isoOfMs(startMs + this.#featureSet.window.lengthMs));
    texts.set("_event_time", isoOfMicros(aggregates.latest));
    for (const [feature, text] of texts) {
      const verdict = judge(this.#featureSet, {
        feature,
        expected: text,
        actual: values.get(feature) ?? null,
      });
      if (verdict !== undefined) return verdict.because;
    }
    const unknown = [...values.keys()].find((name) => !texts.has(name) && !META_FIELDS.includes(name));
    return unknown === undefined ? undefined : `${unknown} is no field of ${this.#featureSet.name}`;
  }

  /** Entries without values guard against old versions, and those of final windows go at the next write. */
  #judgeUnknownWindow(entity: string, key: string, field: string, actual: string): void {
    const startMs = /^-?\d{1,12}$/.test(field) ? Number(field) * 1000 : undefined;
    if (startMs !== undefined && !isKept(this.#featureSet, startMs, this.#expectation.watermarkMs)) return;
    if (startMs !== undefined && parseEntry(actual)?.values === null) return;
    const because = `${key} has a window in field ${field} that the entity has no rows in`;
    this.#report({ entity, expected: null, actual, because, kind: "extra" }, startMs);
  }

  #report(difference: Omit<Difference, "store" | "feature">, startMs?: number): void {
    const window = startMs === undefined ? {} : { window: isoOfMs(startMs) };
    this.differences.push({ ...difference, feature: "_windows", store: "online", ...window });
  }
}

/** `<version>|<JSON array of alternating field and value>`, or `<version>|` for a window without rows. */
function parseEntry(text: string): { version: string; values: Map<string, string> | null } | undefined {
  const match = /^(\d{20})\|(.*)$/s.exec(text);
  if (match === null) return undefined;
  const [, version = "", payload = ""] = match;
  if (payload === "") return { version, values: null };
  try {
    const flat = JSON.parse(payload) as unknown;
    if (!Array.isArray(flat) || flat.length % 2 !== 0 || flat.some((part) => typeof part !== "string"))
      return undefined;
    const values = new Map<string, string>();
    for (let i = 0; i < flat.length; i += 2) values.set(flat[i], flat[i + 1]);
    return { version, values };
  } catch {
    return undefined;
  }
}
