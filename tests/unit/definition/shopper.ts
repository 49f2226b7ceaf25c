/** A small correct definition, and what is said about changed ones. */
import type { Diagnostic } from "../../../src/definition/diagnostics.ts";
import { parseDefinition } from "../../../src/definition/parse-definition.ts";

export const SHOPPER = `name: shopper
description: Orders of a shopper
entity: customer_id
source:
  table: public.orders
  primary_key: order_id
  event_time: created_at
  columns:
    order_id: bigint
    customer_id: bigint
    amount: decimal(12,2)
    created_at: timestamp
window:
  type: tumbling
  length: 30 days
watermark: 1 hour
parameters:
  limit_amount: 1000
features:
  orders: { kind: aggregated, aggregate: count }
  spend: { kind: aggregated, aggregate: sum, column: amount }
  average: { kind: derived, expression: spend / orders, digits: 2 }
  is_rich: { kind: derived, expression: spend > limit_amount }
`;

/** The definition with each piece of text replaced by another. */
export function shopperWith(changes: Record<string, string>): string {
  return Object.entries(changes).reduce((text, [from, to]) => {
    if (!text.includes(from)) throw new Error(`there is no ${JSON.stringify(from)} to change`);
    return text.replace(from, to);
  }, SHOPPER);
}

/** One line each: place, rule, message, and the suggestion if there is one. */
export function problemsOf(text: string, file = "shopper.yaml"): string[] {
  return parseDefinition(text, file).diagnostics.map(line);
}

function line({ line, column, rule, message, suggestion }: Diagnostic): string {
  return `${line}:${column} ${rule}: ${message}${suggestion === undefined ? "" : ` → ${suggestion}`}`;
}

/** The definition with another text behind `expression:` of its average, up to the end of that feature. */
export function shopperWithExpression(text: string): string {
  return shopperWith({ "spend / orders, digits: 2": text });
}
