/** What the templates show of a feature set: plain values, and calls where they nest. */
import { formatColumnType } from "../definition/column-type.ts";
import { formatDuration } from "../definition/duration.ts";
import type {
  ArithmeticOperator,
  Column,
  ComparisonOperator,
  Expression,
  Feature,
  FeatureSet,
} from "../definition/feature-set.ts";
import { Call } from "./python-layout.ts";

/** Where a job comes from. */
export interface Provenance {
  /** Path of the definition, relative to the project, with forward slashes. */
  file: string;
  /** Of the definition's text, in hexadecimal digits. */
  sha256: string;
}

/** Functions of `cdc_features.expressions`. */
const FUNCTIONS: Record<ArithmeticOperator | ComparisonOperator, string> = {
  "+": "add",
  "-": "subtract",
  "*": "multiply",
  "/": "divide",
  ">": "greater",
  ">=": "greater_or_equal",
  "<": "less",
  "<=": "less_or_equal",
  "=": "equal",
  "!=": "not_equal",
};

const CLASSES: Record<Feature["kind"], string> = {
  aggregated: "Aggregated",
  behavioural: "Behavioural",
  derived: "Derived",
};

/** Templates are strict, so that every name they use is present, as null where it does not apply. */
export function jobView(featureSet: FeatureSet, provenance: Provenance) {
  const { name, description, entity, source, window, watermarkMs, features } = featureSet;
  return {
    name,
    description: sentence(description),
    provenance: { file: provenance.file, sha256: provenance.sha256.slice(0, 12) },
    entity,
    table: `${source.schema}.${source.table}`,
    primaryKey: source.primaryKey,
    eventTime: source.eventTime,
    columns: source.columns.map(columnView),
    window: { length: formatDuration(window.lengthMs), retention: formatDuration(window.retentionMs) },
    watermark: formatDuration(watermarkMs),
    features: features.map(featureView),
    classes: [...new Set([...CLASSES_ALWAYS, ...features.map(({ kind }) => CLASSES[kind])])],
    functions: [...new Set(features.flatMap(functionsOf))],
  };
}

const CLASSES_ALWAYS = ["Column", "FeatureSet", "Source", "TumblingWindow"];

function columnView({ name, type }: Column) {
  return {
    name,
    type: formatColumnType(type),
    encoding: type.kind === "decimal" && type.encoding !== "auto" ? type.encoding : null,
    unit: type.kind === "timestamp" && type.unit !== "micros" ? type.unit : null,
  };
}

function featureView(feature: Feature) {
  const { name, kind } = feature;
  switch (feature.kind) {
    case "aggregated":
      return {
        name,
        kind,
        aggregate: feature.aggregate,
        column: "column" in feature ? feature.column : null,
      };
    case "behavioural":
      return { name, kind, measure: feature.measure, unit: feature.unit };
    case "derived": {
      const digits = feature.type.kind === "decimal" ? feature.type.digits : null;
      return { name, kind, expression: expressionCall(feature.expression), digits };
    }
  }
}

function expressionCall(expression: Expression): Call {
  if (expression.op === "feature") return new Call("feature", [expression.name]);
  if (expression.op === "literal") return new Call("literal", [expression.value]);
  return new Call(FUNCTIONS[expression.op], [
    expressionCall(expression.left),
    expressionCall(expression.right),
  ]);
}

function functionsOf(feature: Feature): string[] {
  return feature.kind === "derived" ? callsIn(expressionCall(feature.expression)) : [];
}

function callsIn(call: Call): string[] {
  return [call.name, ...call.arguments.flatMap(({ value }) => (value instanceof Call ? callsIn(value) : []))];
}

function sentence(text: string): string {
  const trimmed = text.trim();
  return /[.!?…]$/.test(trimmed) ? trimmed : `${trimmed}.`;
}
