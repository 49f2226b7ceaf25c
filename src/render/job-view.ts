/** What the templates show of a feature set: plain values, and calls where they nest. */
import { formatColumnType } from "../definition/column-type.ts";
import { formatDuration } from "../definition/duration.ts";
import {
  type ArithmeticOperator,
  type Column,
  type ComparisonOperator,
  type Expression,
  type Feature,
  type FeatureSet,
  isAsOfNow,
  ONLY_WINDOW,
  type Source,
  type ValidationRule,
  type Window,
} from "../definition/feature-set.ts";
import { Call, type Code, Name } from "./python-layout.ts";

/** Where a job comes from. */
export interface Provenance {
  /** Path of the definition, relative to the project, with forward slashes. */
  file: string;
  /** Of the definition's text, in hexadecimal digits. */
  sha256: string;
}

/** Functions of `cdc_features.expressions`; those of the language are called as they are in it. */
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

const CLASSES: Record<Feature["kind"] | Window["kind"], string> = {
  aggregated: "Aggregated",
  point_in_time: "PointInTime",
  behavioural: "Behavioural",
  derived: "Derived",
  tumbling: "TumblingWindow",
  sliding: "SlidingWindow",
  rolling: "RollingWindow",
  session: "SessionWindow",
  unbounded: "UnboundedWindow",
};

const CLASSES_ALWAYS = ["Column", "FeatureSet", "Source"];

/** As the library has it, so that a job need not say it. */
const DEAD_LETTER_SHARE = 0.2;

/** Templates are strict, so that every name they use is present, as null where it does not apply. */
export function jobView(featureSet: FeatureSet, provenance: Provenance) {
  const { name, description, entity, source, windows, watermarkMs, deadLetterShare, features, validation } =
    featureSet;
  const kinds = [...windows, ...features].map(({ kind }) => CLASSES[kind]);
  return {
    name,
    realtime: featureSet.mode === "realtime",
    description: sentence(description),
    provenance: { file: provenance.file, sha256: provenance.sha256.slice(0, 12) },
    entity,
    entityColumns: entity.join(", "),
    table: `${source.schema}.${source.table}`,
    primaryKey: source.primaryKey,
    eventTime: source.eventTime,
    columns: source.columns.map(columnView),
    sourceOptions: sourceOptions(source),
    windows: windows.map(windowCall),
    grouping: groupingCall(featureSet),
    watermark: formatDuration(watermarkMs),
    deadLetterShare: deadLetterShare === DEAD_LETTER_SHARE ? null : String(deadLetterShare),
    features: features.map(featureView),
    classes: [...new Set([...CLASSES_ALWAYS, ...kinds])],
    functions: [...new Set([...features.flatMap(functionsOf), ...validation.flatMap(functionsOfRule)])],
    validation: validation.map(ruleCall),
    ruleClasses: [...new Set(validation.map(({ check }) => RULE_CLASSES[check]))],
  };
}

/** What is not as usual. */
function sourceOptions({ appendOnly, format, replicaIdentity }: Source) {
  return [
    ...(appendOnly ? [{ name: "append_only", value: true }] : []),
    ...(format === "envelope" ? [] : [{ name: "format", value: format }]),
    ...(replicaIdentity === "full" ? [] : [{ name: "replica_identity", value: replicaIdentity }]),
  ];
}

function windowCall(window: Window): Call {
  const call = (positional: string[], keywords: Record<string, string>) =>
    new Call(CLASSES[window.kind], positional, { ...keywords, name: windowName(window.name) });
  switch (window.kind) {
    case "tumbling":
      return call([formatDuration(window.lengthMs)], { retention: formatDuration(window.retentionMs) });
    case "sliding":
      return call([formatDuration(window.lengthMs)], {
        slide: formatDuration(window.slideMs),
        retention: formatDuration(window.retentionMs),
      });
    case "rolling":
      return call([formatDuration(window.lengthMs)], { granularity: formatDuration(window.granularityMs) });
    case "session":
      return call([formatDuration(window.gapMs)], {
        longest: formatDuration(window.longestMs),
        retention: formatDuration(window.retentionMs),
      });
    case "unbounded":
      return call([], {});
  }
}

/** Null for the only window, which needs no name. */
function windowName(name: string): string | null {
  return name === ONLY_WINDOW ? null : name;
}

function groupingCall(featureSet: FeatureSet): Call {
  const [window] = featureSet.windows;
  if (isAsOfNow(featureSet) || (window?.kind !== "tumbling" && window?.kind !== "sliding")) {
    return new Call("windows.containers", [new Name("FEATURE_SET")]);
  }
  const slide = window.kind === "sliding" ? [formatDuration(window.slideMs)] : [];
  return new Call(`windows.${window.kind}`, ["event_time", formatDuration(window.lengthMs), ...slide]);
}

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
  if (feature.kind === "derived") {
    const { type, expression } = feature;
    return {
      name,
      kind,
      expression: expressionCall(expression),
      digits: type.kind === "decimal" ? type.digits : null,
      type: type.kind === "integer" || type.kind === "text" ? type.kind : null,
    };
  }
  const window = windowName(feature.window);
  const column = "column" in feature ? feature.column : null;
  switch (feature.kind) {
    case "aggregated": {
      const digits = feature.aggregate === "avg" ? digitsOf(feature) : null;
      return { name, kind, aggregate: feature.aggregate, column, digits, window };
    }
    case "point_in_time":
      return { name, kind, column, window };
    case "behavioural": {
      const unit = "unit" in feature ? feature.unit : null;
      const digits = feature.measure === "recency" ? null : digitsOf(feature);
      return { name, kind, measure: feature.measure, unit, digits, window };
    }
  }
}

function digitsOf({ type }: Feature): number | null {
  return type.kind === "decimal" ? type.digits : null;
}

function expressionCall(expression: Expression): Call {
  switch (expression.op) {
    case "feature":
      return new Call("feature", [expression.name]);
    case "literal":
    case "text":
      return new Call(expression.op, [expression.value]);
    case "coalesce":
    case "ratio":
    case "bucket":
    case "cross":
      return new Call(expression.op, expression.arguments.map(expressionCall));
    default:
      return new Call(FUNCTIONS[expression.op], [
        expressionCall(expression.left),
        expressionCall(expression.right),
      ]);
  }
}

function functionsOf(feature: Feature): string[] {
  return feature.kind === "derived" ? callsIn(expressionCall(feature.expression)) : [];
}

function functionsOfRule(rule: ValidationRule): string[] {
  return rule.check === "relation" ? callsIn(expressionCall(rule.expression)) : [];
}

/** Of `cdc_features.rules`. */
const RULE_CLASSES: Record<ValidationRule["check"], string> = {
  not_null: "NotNull",
  range: "Range",
  allowed_values: "AllowedValues",
  pattern: "Pattern",
  freshness: "Freshness",
  relation: "Relation",
  outlier: "Outlier",
  sudden_change: "SuddenChange",
};

function ruleCall(rule: ValidationRule): Call {
  const { name, severity } = rule;
  const call = (about: Code, keywords: Record<string, Code> = {}) =>
    new Call(RULE_CLASSES[rule.check], [name, about], { ...keywords, severity });
  switch (rule.check) {
    case "not_null":
      return call(rule.feature);
    case "range":
      return call(rule.feature, { min: rule.min, max: rule.max });
    case "allowed_values":
      return call(rule.feature, { values: rule.values });
    case "pattern":
      return call(rule.feature, { pattern: rule.pattern });
    case "freshness":
      return call(formatDuration(rule.maxAgeMs));
    case "relation":
      return call(expressionCall(rule.expression));
    case "outlier":
      return call(rule.feature, {
        method: rule.method,
        threshold: String(rule.threshold),
        min_history: rule.minHistory,
      });
    case "sudden_change":
      return call(rule.feature, { max_change: rule.maxChange, max_factor: rule.maxFactor });
  }
}

function callsIn(call: Call): string[] {
  return [call.name, ...call.arguments.flatMap(({ value }) => (value instanceof Call ? callsIn(value) : []))];
}

function sentence(text: string): string {
  const trimmed = text.trim();
  return /[.!?…]$/.test(trimmed) ? trimmed : `${trimmed}.`;
}
