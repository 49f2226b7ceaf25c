/** Every features hash of the online store, field by field, against the expectation. */
import { type FeatureSet, onlineKey } from "../definition/feature-set.ts";
import { isoOfMicros, microsOfIso } from "../platform/instants.ts";
import { META_FIELDS, type OnlineHash, type OnlineStore } from "../stores/online.ts";
import { type FeatureValues, nowDependent, onlineText } from "../stores/values.ts";
import {
  CLOCK_SKEW_MICROS,
  type Comparison,
  isoOfMs,
  judge,
  type NewestBatch,
  wrongComputedAt,
} from "./compare.ts";
import type { Difference } from "./difference.ts";
import { type Expectation, servedWindow, type WindowAggregates } from "./expectation.ts";
import { featuresOf } from "./expected.ts";
import { parseWindowEntry, type WindowEntry, windowField } from "./window-entry.ts";

const VERSION = /^\d{20}$/;

/** What the companion hash holds of a window. */
function entryOf(hash: OnlineHash | undefined, startMs: number): WindowEntry | undefined {
  if (hash === undefined || "problem" in hash) return undefined;
  return parseWindowEntry(hash.fields.get(windowField(startMs)) ?? "");
}

export function compareOnline(
  featureSet: FeatureSet,
  expectation: Expectation,
  store: OnlineStore,
  { now, newestBatch }: { now: bigint; newestBatch: NewestBatch | undefined },
): Comparison {
  const comparison = new OnlineComparison(featureSet, expectation, now, newestBatch);
  for (const entity of new Set([...expectation.entities.keys(), ...store.features.keys()])) {
    comparison.compare(entity, store.features.get(entity), store.windows.get(entity));
  }
  return comparison;
}

class OnlineComparison implements Comparison {
  readonly differences: Difference[] = [];
  checkedValues = 0;

  readonly #featureSet: FeatureSet;
  readonly #expectation: Expectation;
  readonly #now: bigint;
  readonly #newestBatch: NewestBatch | undefined;
  readonly #aged: Set<string>;
  readonly #fields: Set<string>;

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
    this.#aged = nowDependent(featureSet);
    this.#fields = new Set([...META_FIELDS, ...featureSet.features.map(({ name }) => name)]);
  }

  compare(entity: string, hash: OnlineHash | undefined, windows: OnlineHash | undefined): void {
    const key = onlineKey(this.#featureSet, entity);
    const served = servedWindow(this.#featureSet, this.#expectation, entity);
    if (hash === undefined) {
      if (served === undefined) return;
      const because = `${key} should be there: the entity has rows in the window of ${isoOfMs(served.startMs)}`;
      this.#report(
        { entity, feature: null, expected: key, actual: null, because, kind: "missing" },
        served.startMs,
      );
    } else if (served === undefined) {
      const because = `${key} should not be there: the entity has no rows in a window that is kept`;
      this.#report({ entity, feature: null, expected: null, actual: key, because, kind: "extra" });
    } else if ("problem" in hash) {
      const because = `${key} cannot be read as a hash: ${hash.problem}`;
      this.#report({
        entity,
        feature: null,
        expected: "a hash",
        actual: hash.problem,
        because,
        kind: "different",
      });
    } else {
      if (hash.expires) {
        const because = `${key} has an expiry, which the job does not set: it would go away by itself`;
        this.#report({
          entity,
          feature: null,
          expected: "no expiry",
          actual: "an expiry",
          because,
          kind: "extra",
        });
      }
      this.#compareFields(entity, hash.fields, entryOf(windows, served.startMs), served);
    }
  }

  #compareFields(
    entity: string,
    fields: Map<string, string>,
    companion: WindowEntry | undefined,
    { startMs, aggregates }: { startMs: number; aggregates: WindowAggregates },
  ): void {
    const computedAt = microsOfIso(fields.get("_computed_at") ?? "");
    const expected = featuresOf(this.#featureSet, aggregates, this.#now);
    const then =
      computedAt === undefined
        ? undefined
        : { at: computedAt, features: featuresOf(this.#featureSet, aggregates, computedAt) };
    for (const feature of this.#featureSet.features) {
      this.#compareValue(entity, feature.name, {
        expected,
        then,
        actual: fields.get(feature.name) ?? null,
        startMs,
      });
    }
    const endMs = startMs + this.#featureSet.window.lengthMs;
    this.#compareText(entity, "_window_start", isoOfMs(startMs), fields.get("_window_start"), startMs);
    this.#compareText(entity, "_window_end", isoOfMs(endMs), fields.get("_window_end"), startMs);
    this.#compareText(
      entity,
      "_event_time",
      isoOfMicros(aggregates.latest),
      fields.get("_event_time"),
      startMs,
    );
    this.#checkComputedAt(entity, fields.get("_computed_at"), companion, startMs);
    this.#checkVersion(entity, fields.get("_version"), companion, startMs);
    for (const [name, actual] of fields) {
      if (this.#fields.has(name)) continue;
      const because = `${name} is no field of ${this.#featureSet.name}`;
      this.#report({ entity, feature: name, expected: null, actual, because, kind: "extra" }, startMs);
    }
  }

  /** A value that depends on now and was right when it was computed is stale, but for a moment at midnight. */
  #compareValue(
    entity: string,
    feature: string,
    {
      expected,
      then,
      actual,
      startMs,
    }: {
      expected: FeatureValues;
      then: { at: bigint; features: FeatureValues } | undefined;
      actual: string | null;
      startMs: number;
    },
  ): void {
    this.checkedValues += 1;
    const text = this.#text(feature, expected);
    const verdict = judge(this.#featureSet, { feature, expected: text, actual });
    if (verdict === undefined) return;
    const wasRight =
      then !== undefined && this.#aged.has(feature) && this.#text(feature, then.features) === actual;
    if (wasRight && this.#now - then.at <= CLOCK_SKEW_MICROS) return;
    const aged = {
      kind: "stale" as const,
      because: `${feature} was ${actual} when it was computed and is ${text} today`,
    };
    this.#report({ entity, feature, expected: text, actual, ...(wasRight ? aged : verdict) }, startMs);
  }

  #compareText(
    entity: string,
    feature: string,
    expected: string,
    actual: string | undefined,
    startMs: number,
  ): void {
    this.checkedValues += 1;
    const verdict = judge(this.#featureSet, { feature, expected, actual: actual ?? null });
    if (verdict !== undefined)
      this.#report({ entity, feature, expected, actual: actual ?? null, ...verdict }, startMs);
  }

  /** The script copies what it serves from the companion hash, time of computing included. */
  #checkComputedAt(
    entity: string,
    text: string | undefined,
    companion: WindowEntry | undefined,
    startMs: number,
  ): void {
    const feature = "_computed_at";
    const copied = companion?.values?.get(feature);
    const time = text?.endsWith("Z") ? microsOfIso(text) : undefined;
    const batchCreatedAt = this.#newestBatch?.(entity, startMs)?.createdAt;
    const problem = wrongComputedAt(time, { now: this.#now, batchCreatedAt });
    const expected = copied ?? `an ISO time in UTC, at most ${isoOfMicros(this.#now)}`;
    if (text === undefined || (problem === undefined && copied !== undefined)) {
      this.#compareText(entity, feature, expected, text, startMs);
      return;
    }
    this.checkedValues += 1;
    if (problem === undefined) return;
    const because = `${feature} ${problem}: ${text}`;
    this.#report({ entity, feature, expected, actual: text, because, kind: "different" }, startMs);
  }

  #checkVersion(
    entity: string,
    text: string | undefined,
    companion: WindowEntry | undefined,
    startMs: number,
  ): void {
    const newest = this.#newestBatch?.(entity, startMs)?.id;
    const expected = newest === undefined ? companion?.version : String(newest).padStart(20, "0");
    if (expected !== undefined) {
      this.#compareText(entity, "_version", expected, text, startMs);
      return;
    }
    this.checkedValues += 1;
    if (text !== undefined && VERSION.test(text)) return;
    const because = text === undefined ? "_version is not there" : `_version is not 20 digits: ${text}`;
    const kind = text === undefined ? "missing" : "different";
    this.#report(
      { entity, feature: "_version", expected: "20 digits", actual: text ?? null, because, kind },
      startMs,
    );
  }

  #text(feature: string, values: FeatureValues): string | null {
    const type = this.#featureSet.features.find(({ name }) => name === feature)?.type;
    return type === undefined ? null : onlineText(values.get(feature) ?? null, type);
  }

  #report(difference: Omit<Difference, "store">, startMs?: number): void {
    this.differences.push({
      ...difference,
      store: "online",
      ...(startMs === undefined ? {} : { window: isoOfMs(startMs) }),
    });
  }
}
