/** Column values out of Debezium's JSON, whichever way the connector was told to write them. */
import type { Column, ColumnType, TimestampUnit } from "../definition/feature-set.ts";
import { DAY_MICROS, daysOfIso, floorDivide, isInstant, microsOfIso } from "../platform/instants.ts";
import type { ColumnValue } from "../stores/rows.ts";
import { isFaithful, isLongNumber } from "./json.ts";

export type { ColumnValue };

/** What the event's own schema says of a column, where the event carries one. */
export interface SchemaField {
  type: string;
  name?: string | undefined;
  parameters?: { scale?: string } | undefined;
}

/** What Debezium writes for a large value that an update left as it was and the log does not hold. */
export const UNAVAILABLE = "__debezium_unavailable_value";

/** The value cannot be what its column's type says. */
export class Undecodable extends Error {}

/** Parsing lost digits of a number that is needed: parse again without loss. */
export class DigitsLost extends Error {}

/** Throws Undecodable, or DigitsLost. A column that is not in the event is null. */
export function decodeColumn(raw: unknown, column: Column, field: SchemaField | undefined): ColumnValue {
  if (raw === null || raw === undefined) return null;
  const value = decode(raw, column.type, field);
  if (value === undefined) {
    throw new Undecodable(`${column.name} = ${JSON.stringify(raw)} is no ${column.type.kind}`);
  }
  return value;
}

function decode(raw: unknown, type: ColumnType, field: SchemaField | undefined): ColumnValue | undefined {
  switch (type.kind) {
    case "bigint":
      return wholeNumber(raw, 63);
    case "integer":
      return wholeNumber(raw, 31);
    case "text":
      if (typeof raw === "number") throw new DigitsLost(); // 1.0 is not 1 to a text
      return raw === UNAVAILABLE ? undefined : typeof raw === "string" ? raw : numberText(raw);
    case "boolean":
      return raw === true || raw === "true" ? true : raw === false || raw === "false" ? false : undefined;
    case "date":
      return decodeDate(raw);
    case "timestamp":
      return decodeTimestamp(raw, unitOf(type.unit, field));
    case "decimal":
      return decodeDecimal(raw, type, field);
  }
}

/** The digits of a JSON number, or undefined for anything else. */
export function numberText(raw: unknown): string | undefined {
  if (isLongNumber(raw)) return raw.$digits;
  if (typeof raw !== "number") return undefined;
  if (!isFaithful(raw)) throw new DigitsLost();
  return String(raw);
}

function wholeNumber(raw: unknown, bits: number): bigint | undefined {
  if (typeof raw === "number" && Number.isSafeInteger(raw) && (bits > 53 || Math.abs(raw) < 2 ** bits))
    return BigInt(raw);
  const value = integral(raw);
  if (value === undefined) return undefined;
  const limit = 1n << BigInt(bits);
  return value >= -limit && value < limit ? value : undefined;
}

/** A text's digits, or a JSON number however it was written. */
function integral(raw: unknown): bigint | undefined {
  if (typeof raw === "string") return /^[+-]?\d+$/.test(raw) ? BigInt(raw.replace("+", "")) : undefined;
  const number = ofDecimalText(numberText(raw) ?? "");
  return number && rescale(number.unscaled, number.scale, 0);
}

function decodeDate(raw: unknown): bigint | undefined {
  if (typeof raw === "string" && !DIGITS.test(raw)) {
    return daysOfIso(raw.replace(/Z$/, ""));
  }
  const days = wholeNumber(raw, 31);
  return days !== undefined && isInstant(days * DAY_MICROS) ? days : undefined;
}

const DIGITS = /^-?\d+$/;
/** Postgres' infinities come as numbers within the last second of the range. */
const INFINITY_NANOS = 9_223_372_036_000_000_000n;

const MICROS: Record<TimestampUnit, (count: bigint) => bigint> = {
  millis: (count) => count * 1000n,
  micros: (count) => count,
  nanos: (count) => floorDivide(count, 1000n),
};

const UNIT_BY_SCHEMA: Record<string, TimestampUnit> = {
  "io.debezium.time.Timestamp": "millis",
  "io.debezium.time.MicroTimestamp": "micros",
  "io.debezium.time.NanoTimestamp": "nanos",
  "org.apache.kafka.connect.data.Timestamp": "millis",
};

function unitOf(declared: TimestampUnit, field: SchemaField | undefined): TimestampUnit {
  return UNIT_BY_SCHEMA[field?.name ?? ""] ?? declared;
}

function decodeTimestamp(raw: unknown, unit: TimestampUnit): bigint | undefined {
  if (typeof raw === "string" && !DIGITS.test(raw)) return microsOfIso(raw);
  const count = wholeNumber(raw, 63);
  if (count === undefined || (unit === "nanos" && (count >= INFINITY_NANOS || count <= -INFINITY_NANOS)))
    return undefined;
  const micros = MICROS[unit](count);
  return isInstant(micros) ? micros : undefined; // infinities are the extremes of a long
}

type DecimalType = Extract<ColumnType, { kind: "decimal" }>;

function decodeDecimal(raw: unknown, type: DecimalType, field: SchemaField | undefined): bigint | undefined {
  const number = readDecimal(raw, type, field);
  if (number === undefined) return undefined;
  const unscaled = rescale(number.unscaled, number.scale, type.scale);
  if (unscaled === undefined) return undefined;
  const limit = 10n ** BigInt(type.precision);
  return unscaled > -limit && unscaled < limit ? unscaled : undefined;
}

interface Scaled {
  unscaled: bigint;
  scale: number;
}

function readDecimal(raw: unknown, type: DecimalType, field: SchemaField | undefined): Scaled | undefined {
  if (typeof raw === "string") {
    if (!isBase64(raw, type, field)) return ofDecimalText(raw);
    return ofBase64(raw, Number(field?.parameters?.scale ?? type.scale));
  }
  const digits = numberText(raw);
  if (digits !== undefined) return ofDecimalText(digits);
  // An unconstrained NUMERIC carries its scale with each value.
  const { scale, value } = (typeof raw === "object" ? raw : {}) as { scale?: unknown; value?: unknown };
  return typeof value === "string" ? ofBase64(value, Number(numberText(scale))) : undefined;
}

const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

function isBase64(raw: string, type: DecimalType, field: SchemaField | undefined): boolean {
  if (type.encoding !== "auto") return type.encoding === "precise";
  if (field !== undefined) return field.type === "bytes";
  return BASE64.test(raw) && raw.toLowerCase() !== "infinity"; // eight letters that would pass for base64
}

/** Big-endian two's complement. */
function ofBase64(text: string, scale: number): Scaled | undefined {
  // Scales of every NUMERIC that can be in 38 digits.
  if (text === "" || !BASE64.test(text) || !(Number.isInteger(scale) && scale >= -38 && scale <= 76))
    return undefined;
  const bytes = Buffer.from(text, "base64");
  if (bytes.length <= 6) return { unscaled: BigInt(bytes.readIntBE(0, bytes.length)), scale };
  return { unscaled: BigInt.asIntN(bytes.length * 8, BigInt(`0x${bytes.toString("hex")}`)), scale };
}

const DECIMAL_TEXT = /^([+-]?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d{1,3}))?$/;

function ofDecimalText(text: string): Scaled | undefined {
  const match = DECIMAL_TEXT.exec(text);
  if (match === null) return undefined;
  const [, sign, whole = "", fraction = "", exponent = "0"] = match;
  if (whole + fraction === "") return undefined;
  const unscaled = BigInt(whole + fraction);
  return { unscaled: sign === "-" ? -unscaled : unscaled, scale: fraction.length - Number(exponent) };
}

/** Undefined when the value has more digits after the point than the scale allows: it is never rounded. */
function rescale(unscaled: bigint, from: number, to: number): bigint | undefined {
  if (to >= from) return unscaled * 10n ** BigInt(to - from);
  const divisor = 10n ** BigInt(from - to);
  return unscaled % divisor === 0n ? unscaled / divisor : undefined;
}
