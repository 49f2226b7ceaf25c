/** What a feature is, in words. */
import { type Expression, type Feature, type FeatureSet, ONLY_WINDOW } from "../definition/feature-set.ts";

const AGGREGATES = {
  sum: "sum of",
  avg: "average of",
  min: "least",
  max: "greatest",
  first: "first",
  last: "last",
  count_distinct: "number of different values of",
};

export function meaningOf({ source }: FeatureSet, feature: Feature): string {
  if (feature.kind === "derived") return expressionText(feature.expression);
  const where = feature.window === ONLY_WINDOW ? "" : ` in ${feature.window}`;
  switch (feature.kind) {
    case "aggregated":
      return feature.aggregate === "count"
        ? `number of rows${where}`
        : `${AGGREGATES[feature.aggregate]} ${feature.column}${where}`;
    case "point_in_time":
      return `${feature.column} of the latest row${where}`;
    case "behavioural":
      if (feature.measure === "recency")
        return `UTC days from the latest ${source.eventTime}${where} to today`;
      if (feature.measure === "frequency") return `rows per ${feature.unit}${where}`;
      return `rows${where} by rows in as long before it`;
  }
}

/** As it might stand in a definition, with parameters in place. */
export function expressionText(expression: Expression): string {
  switch (expression.op) {
    case "feature":
      return expression.name;
    case "literal":
      return expression.value;
    case "text":
      return `'${expression.value.replaceAll("'", "''")}'`;
  }
  if ("arguments" in expression) {
    return `${expression.op}(${expression.arguments.map(expressionText).join(", ")})`;
  }
  return `${operandText(expression.left)} ${expression.op} ${operandText(expression.right)}`;
}

function operandText(expression: Expression): string {
  return "left" in expression ? `(${expressionText(expression)})` : expressionText(expression);
}
