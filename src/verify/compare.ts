/** One value against another, and two comparisons into one: what the comparisons of both stores share. */
import { type FeatureSet, type FeatureType, isAsOfNow } from "../definition/feature-set.ts";
import { isoOfMicros } from "../platform/instants.ts";
import type { Computed } from "../stores/features.ts";
import type { OfflineRow } from "../stores/offline.ts";
import type { OnlineHash } from "../stores/online.ts";
import { isSameValue, nowDependent, onlineText, valueOfText } from "../stores/values.ts";
import type { Difference, DifferenceKind } from "./difference.ts";
import { parseWindowEntry, type WindowEntry } from "./window-entry.ts";

/** Each entry is read by two comparisons. */
export class Companion {
  readonly hash: OnlineHash;
  readonly #entries = new Map<string, WindowEntry | undefined>();

  constructor(hash: OnlineHash) {
    this.hash = hash;
  }

  /** Undefined where there is none, and for one in another form. */
  entry(field: string): WindowEntry | undefined {
    if ("problem" in this.hash) return undefined;
    if (!this.#entries.has(field)) {
      this.#entries.set(field, parseWindowEntry(this.hash.fields.get(field) ?? ""));
    }
    return this.#entries.get(field);
  }
}

/** All that the stores hold of one entity. */
export interface Stored {
  /** Null for rows without one. */
  entity: string | null;
  features: OnlineHash | undefined;
  /** The companion hash of the online store. */
  companion: Companion | undefined;
  /** The newest row of each of its slots. */
  rows: StoredRow[];
  /** The one before that, where rules need it. */
  before: StoredRow[];
  /** The newest of each slot that rules kept from the stores. */
  held: HeldStoredRow[];
}

export interface HeldStoredRow extends StoredRow {
  /** Those that it breaks. */
  rules: string[];
}

export interface StoredRow extends Omit<OfflineRow, "features"> {
  /** By name, as text. */
  features: Map<string, string | null>;
  /** Rows that claim to be it; more than one is an error. */
  copies: number;
}

/** What a comparison of one set needs to know beside the entity. */
export class Scope {
  readonly featureSet: FeatureSet;
  readonly isAsOfNow: boolean;
  /** When the values have to be right, micros since 1970 UTC. */
  readonly now: bigint;
  /** Both stores were always written together, so that they have the same versions. */
  readonly inStep: boolean;
  /** By batch its first position, where versions online may be between that and the batch's own. */
  readonly begins: ReadonlyMap<number, number> | undefined;
  /** The features' values in Redis and nothing else. */
  readonly valuesOnly: boolean;
  readonly types: Map<string, FeatureType>;
  /** Fields of the features hash that are right only as of a moment. */
  readonly aged: Set<string>;

  constructor(
    featureSet: FeatureSet,
    {
      now,
      inStep,
      begins,
      valuesOnly = false,
    }: {
      now: bigint;
      inStep: boolean;
      begins?: ReadonlyMap<number, number> | undefined;
      valuesOnly?: boolean | undefined;
    },
  ) {
    this.featureSet = featureSet;
    this.isAsOfNow = isAsOfNow(featureSet);
    this.now = now;
    this.inStep = inStep;
    this.begins = begins;
    this.valuesOnly = valuesOnly;
    this.types = new Map(featureSet.features.map(({ name, type }) => [name, type]));
    this.aged = nowDependent(featureSet);
    if (this.isAsOfNow)
      for (const name of ["_window_start", "_window_end", "_event_time"]) this.aged.add(name);
  }

  /** ` for the window of …`, where the set has several. */
  ofWindow(slot: number): string {
    return this.isAsOfNow ? "" : ` for the window of ${isoOfMs(slot)}`;
  }

  /** What a job may be behind with what it brings to now, unless it computed the value since. */
  tolerated(computedAt: bigint | null | undefined): bigint {
    const earliest = this.now - CLOCK_SKEW_MICROS;
    return computedAt != null && computedAt > earliest ? computedAt : earliest;
  }
}

/** Differences of one store, and how many values were looked at to find them. */
export class Findings {
  readonly differences: Difference[] = [];
  checkedValues = 0;
  readonly #scope: Scope;
  readonly #about: Pick<Difference, "entity" | "store">;

  constructor(scope: Scope, entity: string | null, store: Difference["store"]) {
    this.#scope = scope;
    this.#about = { entity, store };
  }

  report(difference: Omit<Difference, "entity" | "store" | "window">, slot?: number): void {
    const window = slot === undefined || this.#scope.isAsOfNow ? {} : { window: isoOfMs(slot) };
    this.differences.push({ ...this.#about, ...difference, ...window });
  }

  /** Counts a value, and reports it when it is another than it should be. */
  compare(compared: Compared, slot: number, suffix = ""): void {
    this.checkedValues += 1;
    const verdict = judge(this.#scope, compared);
    if (verdict === undefined) return;
    this.report({ ...compared, kind: verdict.kind, because: verdict.because + suffix }, slot);
  }
}

/** How far the clocks of job and verification may differ, and how long a job may take to bring all to now. */
export const CLOCK_SKEW_MICROS = 300_000_000n;

/** Why a time of computing cannot be right, or undefined when it can. Micros since 1970 UTC. */
export function wrongComputedAt(
  time: bigint | undefined,
  { now, batchCreatedAt }: { now: bigint; batchCreatedAt: bigint | null | undefined },
): string | undefined {
  if (time === undefined) return "is no ISO time in UTC";
  if (time > now + CLOCK_SKEW_MICROS) return "lies in the future";
  // One pass writes both stores with one time; a refresh comes later, by whatever clock.
  if (batchCreatedAt != null && time < batchCreatedAt - CLOCK_SKEW_MICROS)
    return `lies before the batch that wrote it, of ${isoOfMicros(batchCreatedAt)}`;
  return undefined;
}

/** Expected and actual, both as the store writes them; null for absent. */
export interface Compared {
  feature: string;
  expected: string | null;
  actual: string | null;
}

/** Why two texts differ, or undefined when they are the same. */
export function judge(
  scope: Scope,
  { feature, expected, actual }: Compared,
): { kind: DifferenceKind; because: string } | undefined {
  if (expected === actual) return undefined;
  if (actual === null)
    return { kind: "missing", because: `${feature} should be ${expected} and is not there` };
  if (expected === null)
    return { kind: "extra", because: `${feature} should not be there, but is ${actual}` };
  const because = isSameText(scope, feature, expected, actual)
    ? `${feature} is the right value in the wrong form: ${expected} is written as ${actual}`
    : `${feature} should be ${expected} but is ${actual}`;
  return { kind: "different", because };
}

/** Whether both texts are one value of the feature. */
export function isSameText({ types }: Scope, feature: string, a: string, b: string): boolean {
  if (a === b) return true;
  const type = types.get(feature);
  return type !== undefined && isSameValue(valueOfText(a, type), valueOfText(b, type));
}

/** All that a features hash should hold, as text; null for a field that should not be there. */
export function onlineFields({ featureSet }: Scope, computed: Computed): ReadonlyMap<string, string | null> {
  if (computed.texts !== undefined) return computed.texts;
  const fields = new Map<string, string | null>();
  for (const { name, type } of featureSet.features) {
    fields.set(name, onlineText(computed.features.get(name) ?? null, type));
  }
  fields.set("_window_start", computed.bounds === null ? null : isoOfMicros(computed.bounds.start));
  fields.set("_window_end", computed.bounds === null ? null : isoOfMicros(computed.bounds.end));
  fields.set("_event_time", isoOfMicros(computed.latest));
  computed.texts = fields;
  return fields;
}

export const NOT_APPLIED = "the job has not applied the newest events yet";

/**
 * Differences from what should be there now, where those that were right at the applied offsets become stale.
 *
 * `atApplied` are the differences of the same store from what should be there at the offsets the job has come to.
 */
export function markStale(now: Difference[], atApplied: Difference[]): Difference[] {
  const wrongThen = new Set(atApplied.filter(({ kind }) => kind !== "stale").map(placeOf));
  return now.map((difference) => {
    if (difference.kind === "stale" || wrongThen.has(placeOf(difference))) return difference;
    const because = `${difference.because}: ${NOT_APPLIED}`;
    return { ...difference, kind: "stale" as const, because };
  });
}

/** An entity is served one window online, which may be another one by now. */
function placeOf({ entity, store, feature, window }: Difference): string {
  const hasOneWindow = store === "online" && feature !== "_windows";
  return JSON.stringify([entity, store, feature, hasOneWindow ? null : window]);
}

export function isoOfMs(ms: number): string {
  return isoOfMicros(BigInt(ms) * 1000n);
}
