/** What the rules about derived features share. */
import type { Finding } from "../diagnostics.ts";
import type { DerivedFeature, Draft } from "../draft.ts";
import type { SyntaxTree } from "../expression/syntax-tree.ts";

export interface Derived {
  name: string;
  feature: DerivedFeature;
  tree: SyntaxTree;
}

/** The derived features whose expressions could be read. */
export function derivedOf({ features }: Draft): Derived[] {
  return [...(features ?? [])].flatMap(([name, feature]) =>
    feature?.kind === "derived" && feature.tree ? [{ name, feature, tree: feature.tree }] : [],
  );
}

/** The rules of validation that are relations and whose expressions could be read. */
export function relationsOf({ validation }: Draft): { name: string; tree: SyntaxTree }[] {
  return [...validation].flatMap(([name, rule]) => (rule?.tree ? [{ name, tree: rule.tree }] : []));
}

/** The place of a character of a feature's expression. */
export function inExpression(name: string, offset: number): Pick<Finding, "path" | "offset"> {
  return { path: ["features", name, "expression"], offset };
}

/** Whether a number's text, in plain digits, is one that every language here holds exactly. */
export const isDecimal = (text: string) => /^-?[0-9]{1,20}(\.[0-9]{1,18})?$/.test(text);

export const NUMBER_SIZE = "a number has at most 20 digits before its point and 18 after it";
