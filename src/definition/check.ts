/** A draft no rule objects to, as the checked feature set that the other stages read. */
import type { Draft, DraftFeature, KeyColumn } from "./draft.ts";
import { parseDuration } from "./duration.ts";
import { expressionOf } from "./expression/lower.ts";
import type { SyntaxTree } from "./expression/syntax-tree.ts";
import { typeOf, type ValueType } from "./expression/types.ts";
import type { ColumnType, Feature, FeatureSet, FeatureType, Source } from "./feature-set.ts";
import { isBucket, typeOfRowFeature, valueTypesOf } from "./feature-types.ts";
import { DEFAULT_MODE } from "./mode.ts";
import { windowOf } from "./windows.ts";
import type { WrittenDefinition } from "./written.ts";

const DEAD_LETTER_SHARE = 0.2;

/** `written` and `draft` come from one text in which neither the schema nor a rule found a problem. */
export function featureSetOf(written: WrittenDefinition, draft: Draft): FeatureSet {
  const source = sourceOf(written, draft);
  const columns = new Map(source.columns.map(({ name, type }) => [name, type]));
  const values = valueTypesOf(draft);
  return {
    name: written.name,
    description: written.description,
    entity: namesOf(draft.entity),
    source,
    windows: draft.windows.map(windowOf),
    watermarkMs: parseDuration(written.watermark),
    deadLetterShare: written.dead_letters?.max_share ?? DEAD_LETTER_SHARE,
    mode: written.mode ?? DEFAULT_MODE,
    features: [...(draft.features ?? [])].flatMap(([name, feature]) =>
      feature ? [checkedFeature(name, feature, { draft, columns, values })] : [],
    ),
  };
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
