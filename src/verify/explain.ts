/** How the value of one feature of one entity came about: its windows, rows and events, by the log. */
import path from "node:path";
import {
  type Feature,
  type FeatureSet,
  isAsOfNow,
  offlineFolder,
  onlineKey,
} from "../definition/feature-set.ts";
import { isoOfMicros } from "../platform/instants.ts";
import type { TopicRecord } from "../platform/kafka.ts";
import { withRedis } from "../platform/redis.ts";
import { type Computed, FeatureComputation, type WindowRows } from "../stores/features.ts";
import { manifestsOf, readManifests } from "../stores/manifests.ts";
import { type OnlineHash, readHashes } from "../stores/online.ts";
import { columnText, inputColumns, rowText } from "../stores/rows.ts";
import { featuresIn, onlineText } from "../stores/values.ts";
import { chainOf } from "./batches.ts";
import { place } from "./because.ts";
import { isoOfMs } from "./compare.ts";
import type { Decoded, RowChange } from "./debezium.ts";
import type { Element, Position } from "./elements.ts";
import { Expecter } from "./expectation.ts";
import { History } from "./history.ts";
import { type LogListener, readLog } from "./log.ts";
import { meaningOf } from "./meaning.ts";
import { type Truth, truthOfLog } from "./truth.ts";

export interface Explanation {
  featureSet: string;
  entity: string;
  feature: string;
  /** The feature in words; of a derived one, its expression. */
  meaning: string;
  /** What it is by the log, as the online store writes it; null for a null, and for an entity with nothing to show. */
  value: string | null;
  /** ISO time that the value is right as of, UTC. */
  asOf: string;
  /** What the online store holds; null where the entity has no key. */
  online: { value: string | null; computedAt: string | null } | null;
  /** The features that a derived one is made of, in their order. */
  operands: { name: string; meaning: string; value: string | null }[];
  /** The names of the primary key's columns; `key` of rows and events holds their values. */
  key: string[];
  /** The names of the columns that the feature reads; `values` of rows holds theirs. */
  columns: string[];
  /** The windows that the feature is over. */
  windows: { name: string; start: string | null; end: string | null; rows: number }[];
  /** The rows that count, latest first. */
  rows: ExplainedRow[];
  /** Those of the interval before, which a velocity is against. */
  rowsBefore: ExplainedRow[];
  /** The entity's rows that count in none of these windows, now. */
  rowsElsewhere: number;
  /** Rows that were the entity's and are no more. */
  left: ExplainedChange[];
  /** Events about the entity that change nothing. */
  setAside: ExplainedChange[];
  /** How many events there are of the entity, in all. */
  events: number;
}

export interface ExplainedChange {
  key: string[];
  why: string;
  event: ExplainedEvent;
}

export interface ExplainedRow {
  key: string[];
  eventTime: string;
  /** As a feature would be written; null for a null. */
  values: (string | null)[];
  /** What gave the row its present version. */
  event: ExplainedEvent;
}

export interface ExplainedEvent {
  /** `shop.public.orders[0]@17`: topic, partition, offset. */
  at: string;
  op: string;
  /** When the database committed it; null where the event does not say. */
  committedAt: string | null;
}

export interface ExplainOptions {
  kafka: string;
  topicPrefix: string;
  redisUrl: string;
  offlineRoot: string;
  now: Date;
}

/** `feature` is one of the set's. Throws EnvironmentError when a server cannot be reached or the topic is not there. */
export async function explainFeature(
  featureSet: FeatureSet,
  entity: string,
  feature: Feature,
  options: ExplainOptions,
): Promise<Explanation> {
  const [hash] = await withRedis(options.redisUrl, (redis) =>
    readHashes(redis, [onlineKey(featureSet, entity)]),
  );
  const manifests = await readManifests(path.join(options.offlineRoot, offlineFolder(featureSet)));
  const chain = chainOf(manifestsOf(manifests));
  const entityLog = new EntityLog(entity);
  const truth = truthOfLog(chain, await readLog(featureSet, chain, options, entityLog));
  const now = BigInt(options.now.getTime()) * 1000n;
  return new Explaining(featureSet, truth, entityLog, now).explain(feature, hash);
}

interface SeenEvent {
  position: Position;
  decoded: Exclude<Decoded, { kind: "ignored" | "truncate" }>;
}

/** What the log says of one entity. */
export class EntityLog implements LogListener {
  readonly entity: string;
  readonly elements: Element[] = [];
  readonly #changes = new Map<string, RowChange>();
  readonly #dead: SeenEvent[] = [];

  constructor(entity: string) {
    this.entity = entity;
  }

  element(entity: string, element: Element): void {
    if (entity === this.entity) this.elements.push(element);
  }

  record(decoded: Decoded, _: TopicRecord, position: Position): void {
    if (decoded.kind === "dead" && decoded.row !== undefined) this.#dead.push({ decoded, position });
    if (decoded.kind !== "change") return;
    const isAboutIt = decoded.after?.entity === this.entity || decoded.before?.entity === this.entity;
    if (isAboutIt) this.#changes.set(keyOf(position), decoded);
    if (decoded.dead !== undefined) this.#dead.push({ decoded, position });
  }

  get events(): number {
    return this.#changes.size;
  }

  changeAt(position: Position): RowChange | undefined {
    return this.#changes.get(keyOf(position));
  }

  /** Dead letters about rows that are or were the entity's, or would be. */
  dead(): SeenEvent[] {
    const rows = new Set(this.elements.map(rowText));
    return this.#dead.filter(
      ({ decoded }) =>
        rows.has(rowText({ key: decoded.row ?? [] })) ||
        ("entity" in decoded && decoded.entity === this.entity),
    );
  }
}

function keyOf({ partition, offset }: Position): string {
  return `${partition} ${offset}`;
}

/** A feature over rows. */
type Source = Exclude<Feature, { kind: "derived" }>;

/** Puts together what is known. Pure. */
export class Explaining {
  readonly #featureSet: FeatureSet;
  readonly #log: EntityLog;
  readonly #topic: string;
  readonly #now: bigint;
  readonly #history: History;
  readonly #slots: ReadonlyMap<number, Element[]>;
  readonly #served: { slot: { slot: number }; computed: Computed } | undefined;

  constructor(featureSet: FeatureSet, truth: Truth, log: EntityLog, now: bigint) {
    this.#featureSet = featureSet;
    this.#log = log;
    this.#topic = truth.topic ?? "";
    this.#now = now;
    this.#history = new History(featureSet, truth.now);
    this.#slots = this.#history.slots(log.elements);
    this.#served = new Expecter(featureSet)
      .expect(this.#slots as Map<number, Element[]>, truth.now.watermark)
      .served(now);
  }

  explain(feature: Feature, hash: OnlineHash | undefined): Explanation {
    const { name } = this.#featureSet;
    const sources = this.#sourcesOf(feature);
    const windows = this.#windowsOf(sources);
    const rows = [...new Set(windows.flatMap(([, { rows }]) => rows))];
    const isVelocity = feature.kind === "behavioural" && feature.measure === "velocity";
    const before = isVelocity ? windows.flatMap(([, one]) => one.before) : [];
    const counting = new Set([...rows, ...before].map(rowText));
    const existing = new Set([...this.#slots.values()].flat().map(rowText));
    return {
      featureSet: name,
      entity: this.#log.entity,
      feature: feature.name,
      meaning: meaningOf(this.#featureSet, feature),
      value: this.#valueOf(feature),
      asOf: isoOfMicros(this.#now),
      online: this.#online(feature, hash),
      operands: this.#operandsOf(feature),
      key: this.#featureSet.source.primaryKey,
      columns: this.#columnsOf(sources),
      windows: windows.map(([window, { rows, bounds }]) => ({
        name: window,
        start: bounds === null ? null : isoOfMicros(bounds.start),
        end: bounds === null ? null : isoOfMicros(bounds.end),
        rows: rows.length,
      })),
      rows: this.#explainRows(rows, sources),
      rowsBefore: this.#explainRows(before, sources),
      rowsElsewhere: [...existing].filter((row) => !counting.has(row)).length,
      left: this.#left(existing),
      setAside: this.#setAside(),
      events: this.#log.events,
    };
  }

  /** The features that are not derived which a feature is made of in the end. */
  #sourcesOf(feature: Feature): Source[] {
    if (feature.kind !== "derived") return [feature];
    const names = new Set(featuresIn(feature.expression));
    const read = this.#featureSet.features.filter((one) => names.has(one.name));
    return [...new Set(read.flatMap((one) => this.#sourcesOf(one)))];
  }

  #operandsOf(feature: Feature): Explanation["operands"] {
    if (feature.kind !== "derived") return [];
    const names = new Set(featuresIn(feature.expression));
    return this.#featureSet.features
      .filter((one) => names.has(one.name))
      .map((one) => ({
        name: one.name,
        meaning: meaningOf(this.#featureSet, one),
        value: this.#valueOf(one),
      }));
  }

  #valueOf({ name, type }: Feature): string | null {
    return onlineText(this.#served?.computed.features.get(name) ?? null, type);
  }

  #online({ name }: Feature, hash: OnlineHash | undefined): Explanation["online"] {
    if (hash === undefined || "problem" in hash || hash.fields.size === 0) return null;
    return { value: hash.fields.get(name) ?? null, computedAt: hash.fields.get("_computed_at") ?? null };
  }

  /** Those that the features are over, as they are now; none where the entity has nothing to show. */
  #windowsOf(sources: Source[]): [string, WindowRows<Element>][] {
    if (this.#served === undefined) return [];
    const { slot } = this.#served.slot;
    const computation = new FeatureComputation(this.#featureSet);
    const rows = this.#slots.get(slot) ?? [];
    const all = computation.windowsOf(rows, this.#now, isAsOfNow(this.#featureSet) ? undefined : slot);
    return [...all].filter(([name]) => sources.some(({ window }) => window === name));
  }

  #columnsOf(sources: Source[]): string[] {
    const read = new Set(sources.flatMap((source) => ("column" in source ? [source.column] : [])));
    return inputColumns(this.#featureSet).flatMap(({ name }) => (read.has(name) ? [name] : []));
  }

  #explainRows(rows: Element[], sources: Source[]): ExplainedRow[] {
    const read = new Set(this.#columnsOf(sources));
    const columns = inputColumns(this.#featureSet);
    return rows
      .toSorted((a, b) => (a.eventTime < b.eventTime ? 1 : a.eventTime > b.eventTime ? -1 : 0))
      .map((row) => ({
        key: row.key,
        eventTime: isoOfMicros(row.eventTime),
        values: columns.flatMap((column, i) =>
          read.has(column.name) ? [columnText(row.values[i] ?? null, column)] : [],
        ),
        event: this.#eventAt(row),
      }));
  }

  #left(existing: Set<string>): Explanation["left"] {
    const newest = new Map<string, Element>();
    // In a window that a row is in no more it has an element that says so, and one that a truncate took has none.
    for (const row of this.#history.newest(this.#log.elements)) {
      if (!existing.has(rowText(row))) newest.set(rowText(row), row);
    }
    return [...newest.values()].map((row) => {
      const truncate = row.isGone
        ? undefined
        : this.#history.truncateOf(this.#history.slotsOf(row)[0] ?? 0, row);
      const event = truncate === undefined ? this.#eventAt(row) : { ...this.#eventAt(truncate), op: "t" };
      const why = truncate === undefined ? this.#whyLeft(this.#log.changeAt(row)) : "the table was truncated";
      return { key: row.key, why, event };
    });
  }

  #whyLeft(change: RowChange | undefined): string {
    if (change?.dead !== undefined) return `cannot be read any more: ${change.dead}`;
    if (change === undefined || change.op === "d") return "deleted";
    if (change.after === null) return `has no ${this.#featureSet.entity.join(", ")} any more`;
    return change.after.entity === this.#log.entity
      ? `moved to ${isoOfMicros(change.after.eventTime)}`
      : `moved to ${change.after.entity}`;
  }

  #setAside(): Explanation["setAside"] {
    const late = this.#log.elements.flatMap((element) =>
      this.#history
        .slotsOf(element)
        .filter((slot) => this.#history.isLate(slot, element))
        .map((slot) => ({
          key: element.key,
          why: `late: the window of ${isoOfMs(slot)} was final by then`,
          event: this.#eventAt(element),
        })),
    );
    const dead = this.#log.dead().map(({ decoded, position }) => ({
      key: decoded.row ?? [],
      why: `dead letter: ${decoded.kind === "dead" ? decoded.because : decoded.dead}`,
      event: this.#eventAt(position, decoded),
    }));
    return [...late, ...dead];
  }

  #eventAt(
    position: Position,
    { op = "", committedMs = null }: { op?: string; committedMs?: number | null } = this.#log.changeAt(
      position,
    ) ?? {},
  ): ExplainedEvent {
    return {
      at: place(this.#topic, position),
      op,
      committedAt: committedMs === null ? null : isoOfMs(committedMs),
    };
  }
}
