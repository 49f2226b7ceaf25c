/** What the value of a feature is. */
import type { Draft, DraftFeature, RowFeature } from "./draft.ts";
import type { SyntaxTree } from "./expression/syntax-tree.ts";
import { typeOf, type ValueType } from "./expression/types.ts";
import type { ColumnType, FeatureType } from "./feature-set.ts";

/** Undefined where the type of the column that it needs is not known. */
export function typeOfRowFeature(
  feature: RowFeature,
  column: ColumnType | undefined,
): FeatureType | undefined {
  if (feature.kind === "behavioural") {
    return feature.measure === "recency" ? { kind: "integer" } : { kind: "decimal", digits: feature.digits };
  }
  if (feature.kind === "aggregated") {
    switch (feature.aggregate) {
      case "count":
      case "count_distinct":
        return { kind: "bigint" };
      case "avg":
        return { kind: "decimal", digits: feature.digits };
      case "sum":
        return column && (column.kind === "decimal" ? typeOfColumn(column) : { kind: "bigint" });
    }
  }
  return column && typeOfColumn(column);
}

function typeOfColumn(column: ColumnType): FeatureType {
  return column.kind === "decimal" ? { kind: "decimal", digits: column.scale } : { kind: column.kind };
}

/** Of parameters and features in expressions; unknown where a feature's own definition has a problem. */
export function valueTypesOf(draft: Draft): Map<string, ValueType | undefined> {
  const types = new Map<string, ValueType | undefined>();
  for (const [name, parameter] of draft.parameters) {
    types.set(name, parameter && (parameter.kind === "text" ? "text" : numberType(parameter.text)));
  }
  for (const [name, feature] of draft.features ?? []) {
    types.set(name, feature && valueTypeOf(feature, draft, types));
  }
  return types;
}

const numberType = (text: string) => (text.includes(".") ? "number" : "integer");

function valueTypeOf(
  feature: DraftFeature,
  draft: Draft,
  types: ReadonlyMap<string, ValueType | undefined>,
): ValueType | undefined {
  if (feature.kind === "derived") {
    const type = feature.tree && typeOf(feature.tree, types);
    // Any other number is a decimal with the feature's digits.
    return type === "integer" && !isBucket(feature.tree) ? "number" : type;
  }
  const column = "column" in feature ? draft.columns?.get(feature.column)?.type : undefined;
  const kind = typeOfRowFeature(feature, column)?.kind;
  if (kind === "bigint") return "integer";
  return kind === "decimal" ? "number" : kind;
}

/** A bucket's number is the only one that is derived without digits. */
export function isBucket(tree: SyntaxTree | undefined): boolean {
  return tree?.kind === "call" && tree.name === "bucket";
}
