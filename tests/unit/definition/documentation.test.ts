/** docs/definitions.md says what is so. */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { FUNCTIONS } from "../../../src/definition/expression/functions.ts";
import { parseDefinition } from "../../../src/definition/parse-definition.ts";
import { rules } from "../../../src/definition/rules/index.ts";
import { GUEST, problemsOf, shopperWith } from "./shopper.ts";

const page = readFileSync(new URL("../../../docs/definitions.md", import.meta.url), "utf8");
const blocks = [...page.matchAll(/^```yaml\n([\s\S]*?)^```$/gm)].map(([, text]) => text as string);

test("its whole definition is right", () => {
  const whole = blocks.filter((text) => text.startsWith("name: "));
  expect(whole).toHaveLength(1);
  expect(parseDefinition(whole[0] as string, "customer.yaml").diagnostics).toEqual([]);
});

test("its windows are right", () => {
  const [one] = blocks.filter((text) => text.startsWith("window: "));
  const shopper = shopperWith({ "window:\n  type: tumbling\n  length: 30 days\n": one as string });
  expect(problemsOf(shopper)).toEqual([]);
  const [several] = blocks.filter((text) => text.startsWith("windows:"));
  const guest = GUEST.replace(/^windows:\n( .*\n)+/m, several as string).replaceAll(": all", ": lifetime");
  expect(problemsOf(guest.replaceAll("window: all", "window: lifetime"), "guest.yaml")).toEqual([]);
});

test("each of its features is right in a set that has what it uses", () => {
  const parts = blocks.filter((text) => !text.startsWith("name: "));
  const lines = parts.flatMap((text) => text.split("\n").filter((line) => /^ {2}\w+: +\{ kind: /.test(line)));
  const features = lines.concat(
    parts.flatMap((text) => text.match(/^ {2}\w+:\n( {4}kind: .*\n)( {4}.*\n)*/gm) ?? []),
  );
  expect(features.length).toBeGreaterThan(13);
  const above: Record<string, string> = {
    total_spend: "{ kind: aggregated, aggregate: sum, column: total_amount, window: 30d }",
    order_count: "{ kind: aggregated, aggregate: count, window: 7d }",
    status_now: "{ kind: point_in_time, column: status, window: 7d }",
    tier: '{ kind: derived, expression: "bucket(total_spend, 1)" }',
    products: "{ kind: aggregated, aggregate: count_distinct, column: product_id, window: 7d }",
  };
  for (const feature of features) {
    const [, name] = /^ {2}(\w+)/.exec(feature) as RegExpExecArray;
    const others = Object.entries(above).filter(([other]) => other !== name);
    const windowed = /kind: derived|window: /.test(feature)
      ? feature
      : feature.replace(" }", ", window: 7d }");
    const text = `name: set
description: What the page shows
entity: customer_id
source:
  table: public.orders
  primary_key: order_id
  event_time: created_at
  columns:
    { order_id: bigint, customer_id: bigint, product_id: bigint, status: text, total_amount: "decimal(12,2)", created_at: timestamp }
windows: { 7d: { type: rolling, length: 7 days }, 30d: { type: rolling, length: 30 days } }
watermark: 1 hour
parameters: { high_value_threshold: 1000 }
features:
${others.map(([other, written]) => `  ${other}: ${written}`).join("\n")}
${windowed}
  last_of_all: { kind: derived, expression: total_spend > high_value_threshold }
`;
    expect(problemsOf(text, "set.yaml"), feature).toEqual([]);
  }
});

test("it names every rule, every function and every key of a window", () => {
  const table = page.slice(page.indexOf("| rules about |"), page.indexOf("Beside them"));
  const named = [...table.matchAll(/`([a-z-]+)`/g)].map(([, name]) => name);
  expect(named.toSorted()).toEqual(Object.keys(rules).toSorted());
  for (const name of Object.keys(FUNCTIONS)) expect(page).toContain(`\`${name}(`);
});
