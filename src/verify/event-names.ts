/** How events and rows are called in reports. */
import type { FeatureSet } from "../definition/feature-set.ts";
import type { Element, Position } from "./elements.ts";

const NAMED = 3;

/** `shop.public.orders[0]@17`. */
export function place(topic: string, { partition, offset }: Position): string {
  return `${topic}[${partition}]@${offset}`;
}

/** `order_id 17`. */
function rowName({ source }: FeatureSet, { key }: { key: string[] }): string {
  return source.primaryKey.map((column, i) => `${column} ${key[i]}`).join(", ");
}

export function rowAt(featureSet: FeatureSet, topic: string | undefined, row: Element): string {
  const name = rowName(featureSet, row);
  return topic === undefined ? name : `${name} (${place(topic, row)})`;
}

export function listed<T>(all: T[], name: (one: T) => string, separator = ", "): string {
  const named = all.slice(0, NAMED).map(name).join(separator);
  return all.length > NAMED ? `${named} and ${all.length - NAMED} more` : named;
}
