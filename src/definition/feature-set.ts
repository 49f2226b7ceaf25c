/**
 * The checked feature set: what a definition means once every rule has passed. Plain data that the other
 * stages read; nothing in here can be wrong any more.
 */

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
  /** Name of the primary key column. */
  primaryKey: string;
  /** Name of the event time column, of type timestamp. */
  eventTime: string;
  /** Every column the feature set reads: primary key, entity, event time and the features' inputs. */
  columns: Column[];
}

/** Aligned to the epoch as Spark's `window()` does. */
export interface TumblingWindow {
  kind: "tumbling";
  lengthMs: number;
  /** How long past its end, in event time, a window's rows still count. */
  retentionMs: number;
}

export type ComparisonOperator = ">" | ">=" | "<" | "<=" | "=" | "!=";
export type ArithmeticOperator = "+" | "-" | "*" | "/";

/** Parameters are literals by now. Any null operand makes the result null, and so does a division by zero. */
export type Expression =
  | { op: "feature"; name: string }
  | { op: "literal"; value: string }
  | { op: ArithmeticOperator | ComparisonOperator; left: Expression; right: Expression };

/** `digits` is the scale a decimal is rounded to, half up. */
export type FeatureType =
  | { kind: "bigint" }
  | { kind: "integer" }
  | { kind: "boolean" }
  | { kind: "decimal"; digits: number };

export type Feature = { name: string; description: string; type: FeatureType } & FeatureComputation;

export type FeatureComputation =
  /** `count` counts rows; `sum` and `count_distinct` skip nulls; a sum of nothing but nulls is null. */
  | { kind: "aggregated"; aggregate: "count" }
  | { kind: "aggregated"; aggregate: "sum" | "count_distinct"; column: string }
  /** UTC calendar days from the latest event time in the window to today. */
  | { kind: "behavioural"; measure: "recency"; unit: "days" }
  /** Over the features before it in the list. */
  | { kind: "derived"; expression: Expression };

export interface FeatureSet {
  name: string;
  description: string;
  /** Name of the entity key column, one of `source.columns`. */
  entity: string;
  source: Source;
  window: TumblingWindow;
  /** The watermark's delay behind the latest event time. */
  watermarkMs: number;
  features: Feature[];
}

/** The Kafka topic of a table as Debezium names it. */
export function topicOf(source: Source, prefix: string): string {
  return `${prefix}.${source.schema}.${source.table}`;
}

/** Key of an entity's hash in the online store. */
export function onlineKey(featureSet: FeatureSet, entity: string): string {
  return `${featureSet.name}:${entity}:features`;
}

/** Folder of a feature set under the offline root. */
export function offlineFolder(featureSet: FeatureSet): string {
  return `${featureSet.name}_features`;
}
