/** Every key of the online store, field by field, against the expectation. */
import { type FeatureSet, onlineKey } from "../definition/feature-set.ts";
import { isoOfMicros, microsOfIso } from "../platform/instants.ts";
import { type OnlineHash, type OnlineStore, windowsKey } from "../stores/online.ts";
import { type FeatureValues, nowDependent, onlineText } from "../stores/values.ts";
import { judge } from "./compare.ts";
import type { Difference } from "./difference.ts";
import { type Expectation, isKept, servedWindow, type WindowAggregates } from "./expectation.ts";
import { featuresOf } from "./expected.ts";

export interface Comparison {
  differences: Difference[];
  /** How many single values were looked at. */
  checkedValues: number;
}

/** The batch that wrote the newest offline row of a window; undefined when the offline store cannot tell. */
export type NewestBatch = (entity: string, startMs: number) => bigint | undefined;

export const CLOCK_SKEW_MICROS = 300_000_000n;

const META = ["_window_start", "_window_end", "_event_time", "_computed_at", "_version"];
const VERSION = /^\d{20}$/;

export function compareOnline(
  featureSet: FeatureSet,
  expectation: Expectation,
  store: OnlineStore,
  { now, newestBatch }: { now: bigint; newestBatch: NewestBatch },
): Comparison {
  const comparison = new OnlineComparison(featureSet, expectation, now, newestBatch);
  const entities = new Set([
    ...expectation.entities.keys(),
    ...store.features.keys(),
    ...store.windows.keys(),
  ]);
  for (const entity of entities) {
    comparison.compareFeatures(entity, store.features.get(entity));
    comparison.compareWindows(entity, store.windows.get(entity));
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
    this.#fields = new Set([...META, ...featureSet.features.map(({ name }) => name)]);
  }

  compareFeatures(entity: string, hash: OnlineHash | undefined): void {
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

  /** The companion hash must know every kept window that has rows, and none other with values. */
  compareWindows(entity: string, hash: OnlineHash | undefined): void {
    const key = windowsKey(this.#featureSet, entity);
    if (hash !== undefined && "problem" in hash) {
      const because = `${key} cannot be read as a hash: ${hash.problem}`;
      this.#report({
        entity,
        feature: "_windows",
        expected: "a hash",
        actual: hash.problem,
        because,
        kind: "different",
      });
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
      this.#report({ entity, feature: "_windows", expected, actual: actual ?? null, because, kind }, startMs);
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
    const expected = featuresOf(this.#featureSet, aggregates, computedAt);
    const texts = new Map<string, string | null>(
      this.#featureSet.features.map(({ name }) => [name, this.#text(name, expected)]),
    );
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
    const unknown = [...values.keys()].find((name) => !this.#fields.has(name));
    return unknown === undefined ? undefined : `${unknown} is no field of ${this.#featureSet.name}`;
  }

  /** Entries without values guard against old versions, and those of final windows go at the next write. */
  #judgeUnknownWindow(entity: string, key: string, field: string, actual: string): void {
    const startMs = /^-?\d{1,12}$/.test(field) ? Number(field) * 1000 : undefined;
    if (startMs !== undefined && !isKept(this.#featureSet, startMs, this.#expectation.watermarkMs)) return;
    if (startMs !== undefined && parseEntry(actual)?.values === null) return;
    const because = `${key} has a window in field ${field} that the entity has no rows in`;
    this.#report({ entity, feature: "_windows", expected: null, actual, because, kind: "extra" }, startMs);
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

export function isoOfMs(ms: number): string {
  return isoOfMicros(BigInt(ms) * 1000n);
}
