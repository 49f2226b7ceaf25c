/** A draft no rule objects to, as the checked feature set that the other stages read. */
import type { Draft, DraftFeature } from "./draft.ts";
import { parseDuration } from "./duration.ts";
import type { SyntaxTree } from "./expression/syntax-tree.ts";
import type { ColumnType, Expression, Feature, FeatureSet, FeatureType } from "./feature-set.ts";
import type { WrittenDefinition } from "./written.ts";

type Columns = ReadonlyMap<string, ColumnType>;
type Parameters = Draft["parameters"];

/** `written` and `draft` come from one text in which neither the schema nor a rule found a problem. */
export function featureSetOf(written: WrittenDefinition, draft: Draft): FeatureSet {
  const { source, window } = written;
  const [schema, table] = source.table.split(".") as [string, string];
  const columns = [...(draft.columns ?? [])].flatMap(([name, column]) =>
    column ? [{ name, type: column.type }] : [],
  );
  const types = new Map(columns.map(({ name, type }) => [name, type]));
  const lengthMs = parseDuration(window.length);
  return {
    name: written.name,
    description: written.description,
    entity: written.entity,
    source: { schema, table, primaryKey: source.primary_key, eventTime: source.event_time, columns },
    window: {
      kind: "tumbling",
      lengthMs,
      retentionMs: window.retention === undefined ? lengthMs : parseDuration(window.retention),
    },
    watermarkMs: parseDuration(written.watermark),
    features: [...(draft.features ?? [])].flatMap(([name, feature]) =>
      feature ? [checkedFeature(name, feature, types, draft.parameters)] : [],
    ),
  };
}

function checkedFeature(
  name: string,
  feature: DraftFeature,
  columns: Columns,
  parameters: Parameters,
): Feature {
  const common = { name, description: feature.description ?? "", type: typeOfFeature(feature, columns) };
  switch (feature.kind) {
    case "behavioural":
      return { ...common, kind: feature.kind, measure: feature.measure, unit: feature.unit };
    case "derived":
      return {
        ...common,
        kind: feature.kind,
        expression: expressionOf(feature.tree as SyntaxTree, parameters),
      };
    case "aggregated":
      return feature.aggregate === "count"
        ? { ...common, kind: feature.kind, aggregate: feature.aggregate }
        : { ...common, kind: feature.kind, aggregate: feature.aggregate, column: feature.column };
  }
}

function typeOfFeature(feature: DraftFeature, columns: Columns): FeatureType {
  if (feature.kind === "behavioural") return { kind: "integer" };
  if (feature.kind === "derived") {
    return feature.digits === undefined ? { kind: "boolean" } : { kind: "decimal", digits: feature.digits };
  }
  const column = feature.aggregate === "sum" ? columns.get(feature.column) : undefined;
  return column?.kind === "decimal" ? { kind: "decimal", digits: column.scale } : { kind: "bigint" };
}

function expressionOf(tree: SyntaxTree, parameters: Parameters): Expression {
  switch (tree.kind) {
    case "number":
      return { op: "literal", value: tree.text };
    case "name": {
      const value = parameters.get(tree.name);
      return value === undefined ? { op: "feature", name: tree.name } : { op: "literal", value };
    }
    case "negative": {
      const operand = expressionOf(tree.operand, parameters);
      if (operand.op !== "literal") return { op: "-", left: { op: "literal", value: "0" }, right: operand };
      return {
        op: "literal",
        value: operand.value.startsWith("-") ? operand.value.slice(1) : `-${operand.value}`,
      };
    }
    case "binary":
      return {
        op: tree.operator,
        left: expressionOf(tree.left, parameters),
        right: expressionOf(tree.right, parameters),
      };
  }
}
