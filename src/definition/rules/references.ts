/** Rules about the names that expressions use. */
import type { Draft } from "../draft.ts";
import { namesIn } from "../expression/syntax-tree.ts";
import { NAME_PATTERN } from "../names.ts";
import { nearest } from "../nearest.ts";
import { derivedOf, inExpression, relationsOf } from "./derived.ts";
import type { Rules } from "./rule.ts";

export const referenceRules: Rules = {
  *"unknown-name"(draft) {
    for (const { feature, used, at } of referencesIn(draft)) {
      if (draft.features?.has(used) || draft.parameters.has(used)) continue;
      const names = [...featuresBefore(draft, feature), ...draft.parameters.keys()];
      // One that cannot be a name is told where it is defined; nobody should be led to it.
      const allowed = names.filter((name) => NAME_PATTERN.test(name));
      const message = draft.columns?.has(used)
        ? `${used} is a column; aggregate it in a feature and use that`
        : `${used} is neither a feature nor a parameter`;
      yield { ...inExpression(feature, at), message, allowed, suggestion: nearest(used, allowed) };
    }
  },

  *"feature-cycle"(draft) {
    for (const { feature, used, at } of referencesIn(draft)) {
      const way = wayBetween(draft, used, feature);
      if (way === undefined) continue;
      const isDirect = used === feature;
      const message = isDirect ? `${feature} uses itself` : `a circle: ${[feature, ...way].join(" uses ")}`;
      yield { ...inExpression(feature, at), message };
    }
  },

  *"feature-order"(draft) {
    for (const { feature, used, at } of referencesIn(draft)) {
      const isEarlier = featuresBefore(draft, feature).includes(used);
      if (isEarlier || !draft.features?.has(used) || wayBetween(draft, used, feature)) continue;
      yield { ...inExpression(feature, at), message: `${used} comes later; write it before ${feature}` };
    }
  },

  *"unused-parameter"(draft) {
    if (draft.features === undefined) return;
    const mayUseAnything = [...draft.features.values(), ...draft.validation.values()].some(
      (one) => one === undefined || ("syntaxError" in one && one.syntaxError !== undefined),
    );
    if (mayUseAnything) return;
    const used = new Set([
      ...referencesIn(draft).map((reference) => reference.used),
      ...relationsOf(draft).flatMap(({ tree }) => namesIn(tree).map(({ name }) => name)),
    ]);
    for (const name of draft.parameters.keys()) {
      if (used.has(name)) continue;
      yield { path: ["parameters", name], atKey: true, message: `no expression uses ${name}` };
    }
  },
};

function referencesIn(draft: Draft): { feature: string; used: string; at: number }[] {
  return derivedOf(draft).flatMap(({ name: feature, tree }) =>
    namesIn(tree).map(({ name: used, at }) => ({ feature, used, at })),
  );
}

function featuresBefore({ features }: Draft, name: string): string[] {
  const names = [...(features?.keys() ?? [])];
  return names.slice(0, names.indexOf(name));
}

/** How `start` uses `goal`, itself or through others; undefined when it does not. */
function wayBetween(
  draft: Draft,
  start: string,
  goal: string,
  seen = new Set<string>(),
): string[] | undefined {
  if (start === goal) return [goal];
  const feature = draft.features?.get(start);
  if (feature?.kind !== "derived" || feature.tree === undefined || seen.has(start)) return undefined;
  seen.add(start);
  for (const { name } of namesIn(feature.tree)) {
    const way = wayBetween(draft, name, goal, seen);
    if (way) return [start, ...way];
  }
  return undefined;
}
