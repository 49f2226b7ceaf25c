/** Values of a golden test's file, held against the types of columns and features. */
import type { ColumnType, FeatureType } from "../definition/feature-set.ts";
import { daysOfIso, isoDate, isoOfMicros, microsOfIso } from "../platform/instants.ts";
import { type FeatureValue, valueOfText } from "../stores/values.ts";
import type { WrittenScalar } from "./written.ts";

/** A value and, of a number, its digits as they were written. */
export interface Scalar {
  value: WrittenScalar;
  digits: string | undefined;
}

/** A column's value as JSON, the way Debezium writes it; undefined for one that the type does not hold. */
export function columnJson(scalar: Scalar, type: ColumnType): string | undefined {
  if (scalar.value === null) return "null";
  switch (type.kind) {
    case "bigint":
      return wholeNumber(scalar, 63);
    case "integer":
      return wholeNumber(scalar, 31);
    case "decimal":
      return decimalJson(scalar, type);
    case "date": {
      const days = daysOfIso(textOf(scalar));
      return days === undefined ? undefined : String(days);
    }
    case "timestamp": {
      const micros = microsOfIso(textOf(scalar));
      return micros === undefined ? undefined : JSON.stringify(isoOfMicros(micros));
    }
    default:
      return typeof scalar.value === (type.kind === "text" ? "string" : type.kind)
        ? JSON.stringify(scalar.value)
        : undefined;
  }
}

/** A key column's value as it stands in the stores' keys; undefined for one that the type does not hold. */
export function keyTextOf(scalar: Scalar, type: ColumnType): string | undefined {
  const json = scalar.value === null ? undefined : columnJson(scalar, type);
  if (json === undefined) return undefined;
  if (type.kind === "date") return isoDate(BigInt(json));
  return json.startsWith('"') ? (JSON.parse(json) as string) : json;
}

/** Undefined for a value that the feature cannot have. */
export function featureValue(scalar: Scalar, type: FeatureType): FeatureValue | undefined {
  if (scalar.value === null) return null;
  const mustBe = type.kind === "boolean" ? "boolean" : scalar.digits === undefined ? "string" : "number";
  return typeof scalar.value === mustBe ? valueOfText(textOf(scalar), type) : undefined;
}

function textOf({ value, digits }: Scalar): string {
  return digits ?? String(value);
}

function wholeNumber(scalar: Scalar, bits: number): string | undefined {
  const text = textOf(scalar);
  if (!/^[+-]?\d+$/.test(text)) return undefined;
  const number = BigInt(text.replace("+", ""));
  return BigInt.asIntN(bits + 1, number) === number ? String(number) : undefined;
}

/** In the connector's own mode, `precise`, unless the definition knows of texts. */
function decimalJson(scalar: Scalar, type: Extract<ColumnType, { kind: "decimal" }>): string | undefined {
  const match = /^([+-]?)(\d+)(?:\.(\d+))?$/.exec(textOf(scalar));
  const [, sign = "", whole = "", written = ""] = match ?? [];
  const fraction = written.replace(/0+$/, "").padEnd(type.scale, "0");
  const digits = BigInt(whole + fraction);
  if (match === null || fraction.length > type.scale || digits >= 10n ** BigInt(type.precision))
    return undefined;
  const unscaled = sign === "-" ? -digits : digits;
  if (type.encoding === "text") {
    const text = String(digits).padStart(type.scale + 1, "0");
    const point = text.length - type.scale;
    const number = type.scale === 0 ? text : `${text.slice(0, point)}.${text.slice(point)}`;
    return JSON.stringify(unscaled < 0n ? `-${number}` : number);
  }
  return JSON.stringify(base64(unscaled));
}

/** Big-endian two's complement in as few bytes as hold it. */
function base64(number: bigint): string {
  let bytes = 1;
  while (BigInt.asIntN(bytes * 8, number) !== number) bytes += 1;
  const hex = BigInt.asUintN(bytes * 8, number)
    .toString(16)
    .padStart(bytes * 2, "0");
  return Buffer.from(hex, "hex").toString("base64");
}
