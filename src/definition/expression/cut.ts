/** `{ expression: coalesce(a, 0) }` is to YAML the expression `coalesce(a` and a key `0)` of no value. */

export const CUT_AT_COMMA = "between { and } a comma ends a value; write the expression in quotes";

/** Whether a feature's expression, as YAML read it, lacks what came after a comma. */
export function isCutAtComma(feature: Readonly<Record<string, unknown>>): boolean {
  const { expression } = feature;
  return (
    typeof expression === "string" && hasOpenBracket(expression) && Object.values(feature).includes(null)
  );
}

function hasOpenBracket(expression: string): boolean {
  const outsideTexts = expression.replace(/'[^']*'/g, "");
  const count = (bracket: string) => outsideTexts.split(bracket).length;
  return count("(") > count(")");
}
