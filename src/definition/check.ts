/** A draft no rule objects to, as the checked feature set that the other stages read. */
import type { Draft, DraftFeature, DraftRule, KeyColumn } from "./draft.ts";
import { parseDuration } from "./duration.ts";
import { expressionOf } from "./expression/lower.ts";
import { namesIn, type SyntaxTree } from "./expression/syntax-tree.ts";
import { typeOf, type ValueType } from "./expression/types.ts";
import type {
  ColumnType,
  DriftThresholds,
  Feature,
  FeatureSet,
  FeatureType,
  Slos,
  Source,
  ValidationCheck,
  ValidationRule,
} from "./feature-set.ts";
import { isBucket, typeOfRowFeature, valueTypesOf } from "./feature-types.ts";
import { DEFAULT_MODE } from "./mode.ts";
import { DAY, stepOf, windowOf } from "./windows.ts";
import type { WrittenDefinition } from "./written.ts";

const DEAD_LETTER_SHARE = 0.2;
const MIN_HISTORY = 100;

/** `written` and `draft` come from one text in which neither the schema nor a rule found a problem. */
export function featureSetOf(written: WrittenDefinition, draft: Draft): FeatureSet {
  const source = sourceOf(written, draft);
  const columns = new Map(source.columns.map(({ name, type }) => [name, type]));
  const values = valueTypesOf(draft);
  const features = [...(draft.features ?? [])].flatMap(([name, feature]) =>
    feature ? [checkedFeature(name, feature, { draft, columns, values })] : [],
  );
  return {
    name: written.name,
    description: written.description,
    entity: namesOf(draft.entity),
    source,
    windows: draft.windows.map(windowOf),
    watermarkMs: parseDuration(written.watermark),
    deadLetterShare: written.dead_letters?.max_share ?? DEAD_LETTER_SHARE,
    mode: written.mode === "batch" ? DEFAULT_MODE : (written.mode ?? DEFAULT_MODE),
    scheduleMs: written.schedule === undefined ? null : parseDuration(written.schedule),
    features,
    validation: [...draft.validation].flatMap(([name, rule]) =>
      rule ? [checkedRule(name, rule, draft, features)] : [],
    ),
    slos: slosOf(written.slos ?? {}),
    drift: driftOf(written.drift ?? {}, {
      features,
      recencies: recenciesAmong(draft),
      step: stepOf(draft.windows),
    }),
  };
}

function slosOf(written: NonNullable<WrittenDefinition["slos"]>): Slos {
  const times = {
    freshnessP50Ms: written.freshness_p50,
    freshnessP95Ms: written.freshness_p95,
    freshnessP99Ms: written.freshness_p99,
    lagMs: written.lag,
    stalenessMs: written.staleness,
  };
  const shares = {
    quarantinedShare: written.quarantined_share,
    deadLetterShare: written.dead_letter_share,
  };
  return Object.fromEntries(
    [
      ...Object.entries(times).map(([name, text]) => [name, text && parseDuration(text)]),
      ...Object.entries(shares),
    ].filter(([, value]) => value !== undefined),
  );
}

/** Recencies, and what derives from them: how long ago something was moves with the period that is looked at. */
function recenciesAmong(draft: Draft): Set<string> {
  const found = new Set<string>();
  for (const [name, feature] of draft.features ?? []) {
    const isRecency = feature?.kind === "behavioural" && feature.measure === "recency";
    const derives =
      feature?.kind === "derived" &&
      feature.tree &&
      namesIn(feature.tree).some((used) => found.has(used.name));
    if (isRecency || derives) found.add(name);
  }
  return found;
}

function driftOf(
  written: NonNullable<WrittenDefinition["drift"]>,
  { features, recencies, step }: { features: Feature[]; recencies: Set<string>; step: number | undefined },
): DriftThresholds {
  const windows = written.windows ?? (step === undefined ? "all" : "finished");
  const ms = (text: string | undefined, unlessTold: number) =>
    text === undefined ? unlessTold : parseDuration(text);
  const currentMs = ms(written.current, Math.max(7 * DAY, windows === "finished" ? (step ?? 0) : 0));
  const wanted = written.features ?? features.flatMap(({ name }) => (recencies.has(name) ? [] : [name]));
  return {
    windows,
    currentMs,
    referenceMs: ms(written.reference, Math.max(28 * DAY, 4 * currentMs)),
    maxPsi: written.max_psi ?? 0.2,
    maxKs: written.max_ks ?? 0.2,
    maxNullRateChange: written.max_null_rate_change ?? 0.05,
    maxZeroRateChange: written.max_zero_rate_change ?? 0.1,
    minRows: written.min_rows ?? 200,
    features: features.flatMap(({ name }) => (wanted.includes(name) ? [name] : [])),
  };
}

function checkedRule(name: string, rule: DraftRule, draft: Draft, features: Feature[]): ValidationRule {
  const { severity, description = "" } = rule;
  return { name, description, severity, ...validationCheck(rule, draft, features) };
}

function validationCheck(rule: DraftRule, draft: Draft, features: Feature[]): ValidationCheck {
  const limit = (key: string) => rule.limits.get(key) ?? null;
  switch (rule.check) {
    case "not_null":
      return { check: rule.check, feature: rule.feature };
    case "range":
      return { check: rule.check, feature: rule.feature, min: limit("min"), max: limit("max") };
    case "allowed_values": {
      const type = features.find((feature) => feature.name === rule.feature)?.type as FeatureType;
      return {
        check: rule.check,
        feature: rule.feature,
        values: (rule.texts ?? []).map((text) => storedText(text, type)),
      };
    }
    case "pattern":
      return { check: rule.check, feature: rule.feature, pattern: rule.pattern };
    case "freshness":
      return { check: rule.check, maxAgeMs: parseDuration(rule.max_age) };
    case "relation":
      return { check: rule.check, expression: expressionOf(rule.tree as SyntaxTree, draft.parameters) };
    case "outlier":
      return {
        check: rule.check,
        feature: rule.feature,
        method: rule.method,
        threshold: rule.threshold,
        minHistory: rule.min_history ?? MIN_HISTORY,
      };
    case "sudden_change":
      return {
        check: rule.check,
        feature: rule.feature,
        maxChange: limit("max_change"),
        maxFactor: limit("max_factor"),
      };
  }
}

/** As the online store writes the value; a rule has seen to it that it fits the type. */
function storedText(text: string, type: FeatureType): string {
  if (type.kind !== "decimal" || type.digits === 0) return text;
  const [whole, fraction = ""] = text.split(".");
  return `${whole}.${fraction.padEnd(type.digits, "0")}`;
}

function sourceOf({ source }: WrittenDefinition, draft: Draft): Source {
  const [schema, table] = source.table.split(".") as [string, string];
  return {
    schema,
    table,
    primaryKey: namesOf(draft.primaryKey),
    eventTime: source.event_time,
    appendOnly: draft.appendOnly as boolean,
    format: draft.format as Source["format"],
    replicaIdentity: draft.replicaIdentity as Source["replicaIdentity"],
    immutable: namesOf(draft.immutable),
    columns: [...(draft.columns ?? [])].flatMap(([name, column]) =>
      column ? [{ name, type: column.type }] : [],
    ),
  };
}

function namesOf(key: KeyColumn[] | undefined): string[] {
  return (key ?? []).flatMap(({ column }) => column ?? []);
}

interface Known {
  draft: Draft;
  columns: ReadonlyMap<string, ColumnType>;
  /** Of features and parameters in expressions. */
  values: ReadonlyMap<string, ValueType | undefined>;
}

function checkedFeature(name: string, feature: DraftFeature, { draft, columns, values }: Known): Feature {
  const description = feature.description ?? "";
  if (feature.kind === "derived") {
    const tree = feature.tree as SyntaxTree;
    const type = typeOfDerived(tree, feature.digits, values);
    return { name, description, type, kind: "derived", expression: expressionOf(tree, draft.parameters) };
  }
  const column = "column" in feature ? columns.get(feature.column) : undefined;
  const type = typeOfRowFeature(feature, column) as FeatureType;
  const window = feature.window ?? (draft.windows[0]?.name as string);
  const common = { name, description, type, window };
  switch (feature.kind) {
    case "aggregated":
      return feature.aggregate === "count"
        ? { ...common, kind: feature.kind, aggregate: feature.aggregate }
        : { ...common, kind: feature.kind, aggregate: feature.aggregate, column: feature.column };
    case "point_in_time":
      return { ...common, kind: feature.kind, column: feature.column };
    case "behavioural":
      switch (feature.measure) {
        case "recency":
          return { ...common, kind: feature.kind, measure: feature.measure, unit: feature.unit };
        case "frequency":
          return { ...common, kind: feature.kind, measure: feature.measure, unit: feature.unit };
        case "velocity":
          return { ...common, kind: feature.kind, measure: feature.measure };
      }
  }
}

function typeOfDerived(tree: SyntaxTree, digits: number | undefined, values: Known["values"]): FeatureType {
  if (isBucket(tree)) return { kind: "integer" };
  if (digits !== undefined) return { kind: "decimal", digits };
  return { kind: typeOf(tree, values) === "text" ? "text" : "boolean" };
}
