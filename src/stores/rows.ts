/** Rows of the source table as features are computed from them. */
import { Big } from "big.js";
import { type Column, type ColumnType, entityText, type FeatureSet } from "../definition/feature-set.ts";
import { isoDate, isoOfMicros, microsOfIso } from "../platform/instants.ts";

/** Decimals as bigint in units of the type's last digit, timestamps in micros, dates in days since 1970. */
export type ColumnValue = bigint | string | boolean | null;

export interface Row {
  /** Micros since 1970 UTC. */
  eventTime: bigint;
  /** The primary key's columns as `keyText` writes them. */
  key: string[];
  /** The features' inputs, in the order of `inputColumns`. */
  values: ColumnValue[];
}

/** The columns that features read, each once, in the order of the source. */
export function inputColumns(featureSet: FeatureSet): Column[] {
  const names = new Set(
    featureSet.features.flatMap((feature) => ("column" in feature ? [feature.column] : [])),
  );
  return featureSet.source.columns.filter(({ name }) => names.has(name));
}

/** The columns of that name, which are there: the definition's rules have seen to it. */
export function columnsNamed({ source }: FeatureSet, names: string[]): Column[] {
  return names.map((wanted) => source.columns.find(({ name }) => name === wanted) as Column);
}

/** A value from the exact text of a database: times in micros, dates in days, decimals in units of the last digit. */
export function exactValue(text: string | null, { type }: Column): ColumnValue {
  if (text === null || type.kind === "text") return text;
  return type.kind === "boolean" ? text === "true" : BigInt(text);
}

/** A key column's value as it stands in the stores' keys. */
export function keyText(value: ColumnValue, { kind }: ColumnType): string {
  if (kind === "date") return isoDate(value as bigint);
  if (kind === "timestamp") return isoOfMicros(value as bigint);
  return String(value);
}

/** A value as the online store would write it as a feature. */
export function columnText(value: ColumnValue, { type }: Column): string | null {
  if (value === null) return null;
  if (typeof value !== "bigint") return String(value);
  if (type.kind === "decimal") return Big(`${value}e-${type.scale}`).toFixed(type.scale);
  return keyText(value, type);
}

/** Which row it is, as one text. */
export function rowText({ key }: Pick<Row, "key">): string {
  return key.length === 1 ? (key[0] as string) : entityText(key);
}

/** Rows in the order that `first` and `last` go by: event time, then primary key, column by column and by value. */
export function rowOrder(featureSet: FeatureSet): (a: Row, b: Row) => number {
  const kinds = columnsNamed(featureSet, featureSet.source.primaryKey).map(({ type }) => type.kind);
  return (a, b) => {
    if (a.eventTime !== b.eventTime) return a.eventTime < b.eventTime ? -1 : 1;
    for (const [i, kind] of kinds.entries()) {
      const order = compareKeys(a.key[i] as string, b.key[i] as string, kind);
      if (order !== 0) return order;
    }
    return 0;
  };
}

function compareKeys(a: string, b: string, kind: ColumnType["kind"]): number {
  if (a === b) return 0;
  // Bytes of UTF-8, which is not the order of JavaScript's own comparison.
  if (kind === "text") return Buffer.compare(Buffer.from(a), Buffer.from(b));
  if (kind === "date" || kind === "boolean") return a < b ? -1 : 1;
  const toNumber = (text: string) => (kind === "timestamp" ? (microsOfIso(text) ?? 0n) : BigInt(text));
  return toNumber(a) < toNumber(b) ? -1 : 1;
}
