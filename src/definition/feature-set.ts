/**
 * The checked feature set: what a definition means once every rule has passed. Plain data that the other
 * stages read; nothing in here can be wrong any more.
 */
import { clusterSlot, numberInSlot } from "./cluster-slot.ts";
import type { Mode } from "./mode.ts";

/** A column type as the definition names it. Times are UTC with microseconds. */
export type ColumnType =
  | { kind: "bigint" }
  | { kind: "integer" }
  | { kind: "text" }
  | { kind: "boolean" }
  | { kind: "date" }
  | { kind: "timestamp"; unit: TimestampUnit }
  | { kind: "decimal"; precision: number; scale: number; encoding: DecimalEncoding };

/** What a bare number in a timestamp column counts since 1970 when the event carries no schema. */
export type TimestampUnit = "millis" | "micros" | "nanos";

/** How Debezium wrote a NUMERIC; `auto` tells them apart by their text, which needs a scale above 0. */
export type DecimalEncoding = "auto" | "precise" | "text";

export interface Column {
  name: string;
  type: ColumnType;
}

export interface Source {
  schema: string;
  table: string;
  /** The primary key's columns, at least one, in the order of the definition. */
  primaryKey: string[];
  /** Name of the event time column, of type timestamp. */
  eventTime: string;
  /** Rows are inserted and never changed, so that aggregates without rows in the state will do. */
  appendOnly: boolean;
  /** Debezium's envelope, or rows flattened by ExtractNewRecordState. */
  format: "envelope" | "flattened";
  /** What an update and a delete tell of the row as it was. */
  replicaIdentity: "full" | "default";
  /** Columns that are promised never to change while a row exists. */
  immutable: string[];
  /** Every column the feature set reads: primary key, entity, event time and the features' inputs. */
  columns: Column[];
}

/** Aligned to the epoch as Spark's `window()` does. */
export interface TumblingWindow {
  kind: "tumbling";
  name: string;
  lengthMs: number;
  /** How long past its end, in event time, a window's rows still count. */
  retentionMs: number;
}

/** Overlapping windows that start at each multiple of `slideMs`, which divides `lengthMs`. */
export interface SlidingWindow {
  kind: "sliding";
  name: string;
  lengthMs: number;
  slideMs: number;
  retentionMs: number;
}

/** The trailing interval: it ends with the granule that now is in, and starts `lengthMs` before. */
export interface RollingWindow {
  kind: "rolling";
  name: string;
  lengthMs: number;
  /** Both ends are multiples of it; it divides `lengthMs`. */
  granularityMs: number;
}

/** The latest run of rows with less than `gapMs` between neighbours; it ends `gapMs` after its latest row. */
export interface SessionWindow {
  kind: "session";
  name: string;
  gapMs: number;
  /** Rows that lie this long or longer before the session's latest row are none of its. */
  longestMs: number;
  retentionMs: number;
}

/** All rows up to now, for ever. */
export interface UnboundedWindow {
  kind: "unbounded";
  name: string;
}

export type Window = TumblingWindow | SlidingWindow | RollingWindow | SessionWindow | UnboundedWindow;

/** The name of a window that the definition gives none, because it is the only one. */
export const ONLY_WINDOW = "default";

export type ComparisonOperator = ">" | ">=" | "<" | "<=" | "=" | "!=";
export type ArithmeticOperator = "+" | "-" | "*" | "/";

/**
 * Parameters are literals by now; `literal` is a number's text, `text` a text. Any null operand makes an operation null,
 * and so does a division by zero.
 *
 * `coalesce`: the first that is not null · `ratio`: dividend, divisor, and the value when the divisor is zero · `bucket`: how
 * many of the edges, which grow, are not above the value · `cross`: the texts of all, with `|` between them.
 */
export type Expression =
  | { op: "feature"; name: string }
  | { op: "literal"; value: string }
  | { op: "text"; value: string }
  | { op: ArithmeticOperator | ComparisonOperator; left: Expression; right: Expression }
  | { op: ExpressionFunction; arguments: Expression[] };

export type ExpressionFunction = "coalesce" | "ratio" | "bucket" | "cross";

/** `digits` is the scale a decimal is rounded to, half up. Times are UTC with microseconds. */
export type FeatureType =
  | { kind: "bigint" }
  | { kind: "integer" }
  | { kind: "boolean" }
  | { kind: "text" }
  | { kind: "date" }
  | { kind: "timestamp" }
  | { kind: "decimal"; digits: number };

export type Feature = { name: string; description: string; type: FeatureType } & FeatureComputation;

/**
 * All but `derived` are over the rows in the window of that name.
 *
 * `count` counts rows; the others skip nulls and are null over nothing but nulls, but `count_distinct`, which is 0 then. `avg` is
 * rounded half up to the type's digits. `first` and `last` go by event time, then by primary key (column by column).
 */
export type FeatureComputation =
  | { kind: "aggregated"; aggregate: "count"; window: string }
  | {
      kind: "aggregated";
      aggregate: "sum" | "avg" | "min" | "max" | "first" | "last" | "count_distinct";
      column: string;
      window: string;
    }
  /** The column as it is in the latest row, by event time, then by primary key; null when it is null there. */
  | { kind: "point_in_time"; column: string; window: string }
  /** UTC calendar days from the latest event time in the window to today; null without rows. */
  | { kind: "behavioural"; measure: "recency"; unit: "days"; window: string }
  /** Rows in the window by time: count / (length / unit), half up. */
  | { kind: "behavioural"; measure: "frequency"; unit: "minute" | "hour" | "day" | "week"; window: string }
  /** Rows in a rolling window / rows in the one of the same length just before it, half up; null when that has none. */
  | { kind: "behavioural"; measure: "velocity"; window: string }
  /** Over the features before it in the list. */
  | { kind: "derived"; expression: Expression };

/** What a broken rule does: counted only · the row is kept from the stores · the run stops before the batch is written. */
export type Severity = "warn" | "quarantine" | "fail";

export type ValidationRule = { name: string; description: string; severity: Severity } & ValidationCheck;

/**
 * What a row of features must hold to when a micro-batch writes it; a row that says an entity is gone holds to all. A null breaks
 * `not_null` only. Limits are decimal texts, `threshold` is a double.
 */
export type ValidationCheck =
  | { check: "not_null"; feature: string }
  /** Null where there is no limit. */
  | { check: "range"; feature: string; min: string | null; max: string | null }
  /** As the online store writes them. */
  | { check: "allowed_values"; feature: string; values: string[] }
  /** A regular expression that the whole text has to match. */
  | { check: "pattern"; feature: string; pattern: string }
  /** From the latest event time to the moment of computing. */
  | { check: "freshness"; maxAgeMs: number }
  /** False breaks it, null does not. */
  | { check: "relation"; expression: Expression }
  /** Against the values in the offline store; see docs/validation.md. */
  | {
      check: "outlier";
      feature: string;
      method: "robust_z_score" | "quantiles";
      threshold: number;
      minHistory: number;
    }
  /** Against the value served until now. Null where there is no limit. */
  | { check: "sudden_change"; feature: string; maxChange: string | null; maxFactor: string | null };

/** Objectives of a running set; only those that the definition names. Shares are from 0 to 1. */
export interface Slos {
  freshnessP50Ms?: number;
  freshnessP95Ms?: number;
  freshnessP99Ms?: number;
  lagMs?: number;
  stalenessMs?: number;
  quarantinedShare?: number;
  deadLetterShare?: number;
}

/** `finished`: windows by their end; `all`: by their latest event time, also while they fill. In a set as of now it is `all`. */
export type DriftWindows = "finished" | "all";

/** Thresholds of drift: of the last `currentMs` against the `referenceMs` before. Shares are from 0 to 1. */
export interface DriftThresholds {
  windows: DriftWindows;
  currentMs: number;
  referenceMs: number;
  maxPsi: number;
  maxKs: number;
  maxNullRateChange: number;
  maxZeroRateChange: number;
  /** Rows that each period needs. */
  minRows: number;
  /** Names, in the order of the set. */
  features: string[];
}

export interface FeatureSet {
  name: string;
  description: string;
  /** The entity key's columns, at least one, each of `source.columns`. */
  entity: string[];
  source: Source;
  /**
   * Either one tumbling or sliding window, and then there is a row of features for each entity and window; or any others,
   * and then there is one row for each entity, as of now. See `isAsOfNow`.
   */
  windows: Window[];
  /** The watermark's delay behind the latest event time. */
  watermarkMs: number;
  /** A run stops when more than this share of its records are dead letters, and more than a thousand. */
  deadLetterShare: number;
  /** How its job works unless the run says otherwise; no part of what a value is. */
  mode: Mode;
  /** Of a set in batch mode; null for one that is computed as changes come. No part of what a value is, either. */
  scheduleMs: number | null;
  features: Feature[];
  /** What rows have to hold to before they are written; no part of what a value is. */
  validation: ValidationRule[];
  /** The next two are for people who watch it. */
  slos: Slos;
  drift: DriftThresholds;
}

/** Whether a set has one row per entity, as of now, instead of one per entity and window. */
export function isAsOfNow({ windows }: { windows: { kind: Window["kind"] | undefined }[] }): boolean {
  const [window] = windows;
  return windows.length > 1 || (window?.kind !== "tumbling" && window?.kind !== "sliding");
}

/** The Kafka topic of a table as Debezium names it. */
export function topicOf(source: Source, prefix: string): string {
  return `${prefix}.${source.schema}.${source.table}`;
}

/** The Kafka topic that a job in real-time mode publishes a set's features to. */
export function featuresTopicOf(featureSet: string, prefix: string): string {
  return `${prefix}.features.${featureSet}`;
}

/** Key of an entity's hash in the online store; `entity` as `entityText` gives it. */
export function onlineKey(featureSet: FeatureSet, entity: string): string {
  return `${featureSet.name}:${entity}:features`;
}

/**
 * Key of the hash that holds all kept windows of an entity: `{KEY}:windows` beside KEY, or `{n}KEY:windows`, with the least n of
 * KEY's slot, where braces cannot hold KEY. What is in braces alone decides on the slot, so that both hashes are in one.
 */
export function windowsKey(featureSet: FeatureSet, entity: string): string {
  return windowsKeyOf(onlineKey(featureSet, entity));
}

/** The same, of a key as `onlineKey` gives it. */
export function windowsKeyOf(key: string): string {
  return key.includes("}") ? `{${numberInSlot(clusterSlot(key))}}${key}:windows` : `{${key}}:windows`;
}

/** The key columns' values as one text: joined by `:`; in keys of several columns a `:` or `\\` within a value has a `\\` before it. */
export function entityText(values: string[]): string {
  if (values.length === 1) return values[0] as string;
  return values.map((value) => value.replace(/[\\:]/g, "\\$&")).join(":");
}

/** Folder of a feature set under the offline root. */
export function offlineFolder(featureSet: FeatureSet): string {
  return `${featureSet.name}_features`;
}
