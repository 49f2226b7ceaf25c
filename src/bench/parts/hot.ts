/** One entity with very many rows in its window, and all changes are its own. */
import type { HotResult } from "../document.ts";
import { type LiveWay, type Way, wayNamed } from "../ways.ts";
import type { Workbench } from "../workbench.ts";
import { freshnessOf } from "./freshness.ts";

export async function measureHot(bench: Workbench): Promise<HotResult> {
  const { entities, hotRows, hotRate } = bench.plan;
  const entity = entities + 1;
  await bench.orders.arrived(bench);
  await bench.orders.insert(bench, `${hotRows} orders of one customer`, hotRows, String(entity));
  const customers = { customerOf: () => entity, from: entity, to: entity };
  const exact = wayNamed("exact") as Way & { live: LiveWay };
  return { rows: hotRows, entity, freshness: await freshnessOf(bench, exact, [hotRate], customers) };
}
