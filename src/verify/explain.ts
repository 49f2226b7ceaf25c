/** How the value of one feature of one entity came about: its windows, rows and events, by the log. */
import path from "node:path";
import {
  type Feature,
  type FeatureSet,
  isAsOfNow,
  offlineFolder,
  onlineKey,
} from "../definition/feature-set.ts";
import type { KafkaConnection, RedisConnection } from "../platform/connections.ts";
import { isoOfMicros } from "../platform/instants.ts";
import { withRedis } from "../platform/redis.ts";
import { type Computed, FeatureComputation, type WindowRows } from "../stores/features.ts";
import { manifestsOf, readManifests } from "../stores/manifests.ts";
import { type OnlineHash, readHashes } from "../stores/online.ts";
import { columnText, inputColumns, rowText } from "../stores/rows.ts";
import { featuresIn, onlineText } from "../stores/values.ts";
import { chainOf } from "./batches.ts";
import { isoOfMs } from "./compare.ts";
import type { RowChange } from "./debezium.ts";
import type { Element, Position } from "./elements.ts";
import { EntityLog } from "./entity-log.ts";
import { place } from "./event-names.ts";
import { Expecter } from "./expectation.ts";
import type { ExplainedEvent, ExplainedRow, Explanation } from "./explanation.ts";
import { History } from "./history.ts";
import { readLog } from "./log.ts";
import { meaningOf } from "./meaning.ts";
import { type Truth, truthOfLog } from "./truth.ts";

export interface ExplainOptions {
  kafka: KafkaConnection;
  topicPrefix: string;
  redis: RedisConnection;
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
  const [hash] = await withRedis(options.redis, (redis) =>
    readHashes(redis, [onlineKey(featureSet, entity)]),
  );
  const manifests = await readManifests(path.join(options.offlineRoot, offlineFolder(featureSet)));
  const chain = chainOf(manifestsOf(manifests));
  const entityLog = new EntityLog(entity);
  const truth = truthOfLog(chain, await readLog(featureSet, chain, options, entityLog));
  const now = BigInt(options.now.getTime()) * 1000n;
  return new Explaining(featureSet, truth, entityLog, now).explain(feature, hash);
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
