/** Column types as definitions write them: `bigint`, `decimal(12,2)`. */
import type { ColumnType, DecimalEncoding, TimestampUnit } from "./feature-set.ts";
import { nearest } from "./nearest.ts";
import type { Wrong } from "./wrong.ts";

const SIMPLE_TYPES = ["bigint", "integer", "text", "boolean", "date", "timestamp"] as const;
const ALLOWED = [...SIMPLE_TYPES, "decimal(precision,scale)"];

export const COLUMN_TYPE_PATTERN =
  /^(bigint|integer|text|boolean|date|timestamp|decimal\([0-9]{1,3}(, ?[0-9]{1,3})?\))$/;

/** What people coming from Postgres, Spark or Python write first. */
const SYNONYMS: Record<string, string> = {
  int: "integer",
  int2: "integer",
  int4: "integer",
  smallint: "integer",
  serial: "integer",
  int8: "bigint",
  long: "bigint",
  bigserial: "bigint",
  string: "text",
  str: "text",
  varchar: "text",
  char: "text",
  uuid: "text",
  bool: "boolean",
  timestamptz: "timestamp",
  datetime: "timestamp",
  numeric: "decimal(12,2)",
  decimal: "decimal(12,2)",
  money: "decimal(12,2)",
  float: "decimal(12,2)",
  double: "decimal(12,2)",
  real: "decimal(12,2)",
};

export interface WrittenColumnType {
  type: string;
  encoding?: DecimalEncoding | undefined;
  unit?: TimestampUnit | undefined;
}

/** The type of a column whose text matches the pattern. */
export function parseColumnType(written: WrittenColumnType): ColumnType {
  const { type, encoding = "auto", unit = "micros" } = written;
  if (type.startsWith("decimal")) {
    const [precision = 0, scale = 0] = (type.match(/[0-9]+/g) ?? []).map(Number);
    return { kind: "decimal", precision, scale, encoding };
  }
  if (type === "timestamp") return { kind: "timestamp", unit };
  return { kind: type as Exclude<(typeof SIMPLE_TYPES)[number], "timestamp"> };
}

/** `decimal(12,2)`; encoding and unit are no part of the name. */
export function formatColumnType(type: ColumnType): string {
  return type.kind === "decimal" ? `decimal(${type.precision},${type.scale})` : type.kind;
}

export function explainColumnType(value: unknown): Wrong {
  if (typeof value !== "string") return { message: "a column needs a type", allowed: ALLOWED };
  if (/^[a-z]+\([0-9]+$/i.test(value)) {
    return {
      message: `between { and } a comma ends a value; write the type in quotes, as in "decimal(12,2)"`,
    };
  }
  const [base = ""] = value.toLowerCase().split(/[ (]/);
  const size = /\(.*\)$/.exec(value)?.[0].replaceAll(" ", "") ?? "(12,2)";
  const known = SYNONYMS[base] ?? nearest(base, [...SIMPLE_TYPES, "decimal"]);
  const suggestion = known?.startsWith("decimal") ? `decimal${size}` : known;
  return {
    message: `${JSON.stringify(value)} is not a column type`,
    allowed: ALLOWED,
    suggestion: suggestion && COLUMN_TYPE_PATTERN.test(suggestion) ? suggestion : undefined,
  };
}
