/**
 * The companion hashes of the online store, which hold all kept windows of an entity: from them the job picks what it
 * serves, so that an error in here is served some day.
 */
import type { FeatureSet } from "../definition/feature-set.ts";
import { isoOfMicros, microsOfIso } from "../platform/instants.ts";
import { type OnlineHash, type OnlineStore, windowsKey } from "../stores/online.ts";
import { onlineText } from "../stores/values.ts";
import { type Comparison, isoOfMs, judge, type NewestBatch, wrongComputedAt } from "./compare.ts";
import type { Difference } from "./difference.ts";
import { type Expectation, isKept, type WindowAggregates } from "./expectation.ts";
import { featuresOf } from "./expected.ts";
import { parseWindowEntry, windowField } from "./window-entry.ts";

/** There must be every kept window that has rows, and no other with values. */
export function compareWindows(
  featureSet: FeatureSet,
  expectation: Expectation,
  store: OnlineStore,
  { now, newestBatch }: { now: bigint; newestBatch: NewestBatch | undefined },
): Comparison {
  const comparison = new WindowsComparison(featureSet, expectation, now, newestBatch);
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
  readonly #now: bigint;
  readonly #newestBatch: NewestBatch | undefined;

  constructor(
    featureSet: FeatureSet,
    expectation: Expectation,
    now: bigint,
    newestBatch: NewestBatch | undefined,
  ) {
    this.#featureSet = featureSet;
    this.#expectation = expectation;
    this.#now = now;
    this.#newestBatch = newestBatch;
  }

  compare(entity: string, hash: OnlineHash | undefined): void {
    const key = windowsKey(this.#featureSet, entity);
    if (hash !== undefined && "problem" in hash) {
      const because = `${key} cannot be read as a hash: ${hash.problem}`;
      this.#report({ entity, expected: "a hash", actual: hash.problem, because, kind: "different" });
      return;
    }
    if (hash?.expires) {
      const because = `${key} has an expiry, which the job does not set: it would go away by itself`;
      this.#report({ entity, expected: "no expiry", actual: "an expiry", because, kind: "extra" });
    }
    const unseen = new Map(hash?.fields);
    for (const [startMs, aggregates] of this.#expectation.entities.get(entity) ?? []) {
      const field = windowField(startMs);
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
    const newest = this.#newestBatch?.(entity, startMs);
    if (actual === undefined) {
      if (aggregates !== null)
        report("missing", field, `${key} has no field ${field}, though the window has rows`);
      // A window that lost its rows leaves its version, so that no older one comes back.
      else if (newest !== undefined)
        report(
          "missing",
          field,
          `${key} has no field ${field}, though batch ${newest.id} emptied the window`,
        );
      return;
    }
    const entry = parseWindowEntry(actual);
    if (entry === undefined) {
      report("different", "<version>|<values>", `${key} holds no version and values in field ${field}`);
    } else if (newest !== undefined && BigInt(entry.version) !== newest.id) {
      const because = `${key} has version ${entry.version} of the window of ${isoOfMs(startMs)}, the newest batch of it is ${newest.id}`;
      report("different", String(newest.id).padStart(20, "0"), because);
    } else if (aggregates === null && entry.values !== null) {
      report("extra", null, `${key} has values in field ${field}, though the window lost all its rows`);
    } else if (aggregates !== null && entry.values === null) {
      report("missing", field, `${key} has no values in field ${field}, though the window has rows`);
    } else if (aggregates !== null && entry.values !== null) {
      const problem = this.#problemOf(entry.values, startMs, aggregates, newest?.createdAt);
      if (problem !== undefined) report("different", null, `${key}, field ${field}: ${problem}`);
    }
  }

  /** Values of a window that is served no more are as of when they were computed. */
  #problemOf(
    values: Map<string, string>,
    startMs: number,
    aggregates: WindowAggregates,
    batchCreatedAt: bigint | null | undefined,
  ): string | undefined {
    const computedAt = microsOfIso(values.get("_computed_at") ?? "");
    const wrong = wrongComputedAt(computedAt, { now: this.#now, batchCreatedAt });
    if (computedAt === undefined || wrong !== undefined) return `_computed_at ${wrong}`;
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
    const unknown = [...values.keys()].find((name) => !texts.has(name) && name !== "_computed_at");
    return unknown === undefined ? undefined : `${unknown} is no field of ${this.#featureSet.name}`;
  }

  /** Entries without values guard against old versions, and those of final windows go at the next write. */
  #judgeUnknownWindow(entity: string, key: string, field: string, actual: string): void {
    const startMs = /^-?\d{1,12}$/.test(field) ? Number(field) * 1000 : undefined;
    if (startMs !== undefined && !isKept(this.#featureSet, startMs, this.#expectation.watermarkMs)) return;
    const isEmpty = parseWindowEntry(actual)?.values === null;
    // An emptied window has an offline row that says so; where the offline store cannot tell, it may be there.
    const mayBeEmpty = this.#newestBatch === undefined;
    if (
      startMs !== undefined &&
      isEmpty &&
      (mayBeEmpty || this.#newestBatch?.(entity, startMs) !== undefined)
    )
      return;
    const because = `${key} has a window in field ${field} that the entity has no rows in`;
    this.#report({ entity, expected: null, actual, because, kind: "extra" }, startMs);
  }

  #report(difference: Omit<Difference, "store" | "feature">, startMs?: number): void {
    const window = startMs === undefined ? {} : { window: isoOfMs(startMs) };
    this.differences.push({ ...difference, feature: "_windows", store: "online", ...window });
  }
}
