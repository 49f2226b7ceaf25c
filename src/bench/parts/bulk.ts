/** The same topic, worked off in each way, each in a Spark process of its own. */
import type { BulkResult } from "../document.ts";
import { workedOff } from "../ways.ts";
import type { Workbench } from "../workbench.ts";

export async function measureBulk(bench: Workbench): Promise<BulkResult> {
  const capture = await bench.orders.arrived(bench);
  const ways: BulkResult["ways"] = [];
  for (const way of bench.ways) {
    const { name, title } = way;
    ways.push({ way: name, title, ...(await workedOff(bench, way)) });
  }
  return { capture, ways };
}
