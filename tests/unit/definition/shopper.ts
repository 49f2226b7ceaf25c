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

/** Another one: a key of two columns, several windows, a text as parameter. */
export const GUEST = `name: guest
description: A guest as of now
entity: [region, guest_id]
source:
  table: public.stays
  primary_key: [region, stay_id]
  event_time: arrived_at
  columns:
    region: text
    guest_id: bigint
    stay_id: bigint
    price: decimal(12,2)
    room: text
    born: date
    arrived_at: timestamp
windows:
  1h: { type: rolling, length: 1 hour }
  30d: { type: rolling, length: 30 days, granularity: 1 day }
  visit: { type: session, gap: 30 minutes }
  all: { type: unbounded }
watermark: 1 hour
parameters:
  low: 10
  suite: 'S1'
features:
  stays_1h: { kind: aggregated, aggregate: count, window: 1h }
  pace: { kind: behavioural, measure: velocity, window: 30d }
  per_day: { kind: behavioural, measure: frequency, unit: day, window: 30d }
  spent: { kind: aggregated, aggregate: sum, column: price, window: visit }
  room_now: { kind: point_in_time, column: room, window: all }
  birthday: { kind: aggregated, aggregate: first, column: born, window: all }
  tier: { kind: derived, expression: "bucket(coalesce(spent, 0), low, 100)" }
  label: { kind: derived, expression: "cross(tier, room_now, room_now = suite)" }
`;

/** The definition with each piece of text replaced by another. */
export function shopperWith(changes: Record<string, string>): string {
  return changed(SHOPPER, changes);
}

export function guestWith(changes: Record<string, string>): string {
  return changed(GUEST, changes);
}

function changed(definition: string, changes: Record<string, string>): string {
  return Object.entries(changes).reduce((text, [from, to]) => {
    if (!text.includes(from)) throw new Error(`there is no ${JSON.stringify(from)} to change`);
    return text.replace(from, () => to);
  }, definition);
}

/** The guest's definition with another text behind `expression:` of its label, up to the end of that feature. */
export function guestWithExpression(text: string): string {
  return guestWith({ '"cross(tier, room_now, room_now = suite)"': text, "\n  suite: 'S1'": "" });
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
