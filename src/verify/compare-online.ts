/** Every features hash of the online store, field by field, against the expectation. */
import { type FeatureSet, onlineKey } from "../definition/feature-set.ts";
import { isoOfMicros, microsOfIso } from "../platform/instants.ts";
import { META_FIELDS, type OnlineHash, type OnlineStore } from "../stores/online.ts";
import { type FeatureValues, nowDependent, onlineText } from "../stores/values.ts";
import { CLOCK_SKEW_MICROS, type Comparison, isoOfMs, judge, type NewestBatch } from "./compare.ts";
import type { Difference } from "./difference.ts";
import { type Expectation, servedWindow, type WindowAggregates } from "./expectation.ts";
import { featuresOf } from "./expected.ts";

const VERSION = /^\d{20}$/;

export function compareOnline(
  featureSet: FeatureSet,
  expectation: Expectation,
  store: OnlineStore,
  { now, newestBatch }: { now: bigint; newestBatch: NewestBatch },
): Comparison {
  const comparison = new OnlineComparison(featureSet, expectation, now, newestBatch);
  for (const entity of new Set([...expectation.entities.keys(), ...store.features.keys()])) {
    comparison.compare(entity, store.features.get(entity));
  }
  return comparison;
}

class OnlineComparison implements Comparison {
  readonly differences: Difference[] = [];
  checkedValues = 0;

  readonly #featureSet: FeatureSet;
  readonly #expectation: Expectation;
  readonly #now: bigint;
  readonly #newestBatch: NewestBatch;
  readonly #aged: Set<string>;
  readonly #fields: Set<string>;

  constructor(featureSet: FeatureSet, expectation: Expectation, now: bigint, newestBatch: NewestBatch) {
    this.#featureSet = featureSet;
    this.#expectation = expectation;
    this.#now = now;
    this.#newestBatch = newestBatch;
    this.#aged = nowDependent(featureSet);
    this.#fields = new Set([...META_FIELDS, ...featureSet.features.map(({ name }) => name)]);
  }

  compare(entity: string, hash: OnlineHash | undefined): void {
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
      this.#compareFields(entity, hash.fields, served);
    }
  }

  #compareFields(
    entity: string,
    fields: Map<string, string>,
    { startMs, aggregates }: { startMs: number; aggregates: WindowAggregates },
  ): void {
    const computedAt = microsOfIso(fields.get("_computed_at") ?? "");
    const expected = featuresOf(this.#featureSet, aggregates, this.#now);
    const then = computedAt === undefined ? undefined : featuresOf(this.#featureSet, aggregates, computedAt);
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
    this.#checkComputedAt(entity, fields.get("_computed_at"), startMs);
    this.#checkVersion(entity, fields.get("_version"), startMs);
    for (const [name, actual] of fields) {
      if (this.#fields.has(name)) continue;
      const because = `${name} is no field of ${this.#featureSet.name}`;
      this.#report({ entity, feature: name, expected: null, actual, because, kind: "extra" }, startMs);
    }
  }

  /** A value that depends on now and was right when it was computed is stale. */
  #compareValue(
    entity: string,
    feature: string,
    {
      expected,
      then,
      actual,
      startMs,
    }: { expected: FeatureValues; then: FeatureValues | undefined; actual: string | null; startMs: number },
  ): void {
    this.checkedValues += 1;
    const text = this.#text(feature, expected);
    const verdict = judge(this.#featureSet, { feature, expected: text, actual });
    if (verdict === undefined) return;
    const wasRight = then !== undefined && this.#aged.has(feature) && this.#text(feature, then) === actual;
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

  #checkComputedAt(entity: string, text: string | undefined, startMs: number): void {
    this.checkedValues += 1;
    const feature = "_computed_at";
    const time = text?.endsWith("Z") ? microsOfIso(text) : undefined;
    if (time !== undefined && time <= this.#now + CLOCK_SKEW_MICROS) return;
    const expected = `an ISO time in UTC, at most ${isoOfMicros(this.#now)}`;
    if (text === undefined) this.#compareText(entity, feature, expected, undefined, startMs);
    else {
      const because =
        time === undefined
          ? `${feature} is no ISO time in UTC: ${text}`
          : `${feature} lies in the future: ${text}`;
      this.#report({ entity, feature, expected, actual: text, because, kind: "different" }, startMs);
    }
  }

  #checkVersion(entity: string, text: string | undefined, startMs: number): void {
    const newest = this.#newestBatch(entity, startMs);
    if (newest !== undefined) {
      this.#compareText(entity, "_version", String(newest).padStart(20, "0"), text, startMs);
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
