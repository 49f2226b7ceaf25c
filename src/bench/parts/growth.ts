/** How the exact job's cost, state and memory grow with events, and with entities. The topics are written by `bench/produce_orders.py`. */
import { rm } from "node:fs/promises";
import { topicOf } from "../../definition/feature-set.ts";
import { createTopics, deleteTopics } from "../../platform/kafka-admin.ts";
import { withRedis } from "../../platform/redis.ts";
import type { GrowthResult } from "../document.ts";
import { measureRun, measureScript } from "../jobs.ts";
import { SPREAD_SECONDS, WINDOW_START } from "../orders.ts";
import { growthRuns } from "../plan.ts";
import type { Workbench } from "../workbench.ts";

const DATABASE = 1;
/** As the stack's own topics have. */
const PARTITIONS = 2;

export async function measureGrowth(bench: Workbench): Promise<GrowthResult> {
  const runs: GrowthResult["runs"] = [];
  for (const size of growthRuns(bench.plan)) runs.push(await measureSize(bench, size));
  return { runs };
}

async function measureSize(
  bench: Workbench,
  { events, entities }: { events: number; entities: number },
): Promise<GrowthResult["runs"][number]> {
  const { kafka } = bench.endpoints;
  const name = `growth-${events}-${entities}`;
  const label = `${events} events of ${entities} entities`;
  const place = bench.placeOf(name, DATABASE);
  const topic = topicOf(bench.sets.customer.source, name);
  await createTopics(kafka, [topic], PARTITIONS);
  const settings = {
    ...{ kafka: kafka.brokers, topic, events, entities, seed: bench.plan.seed },
    ...{ window_start: WINDOW_START, seconds: SPREAD_SECONDS },
  };
  try {
    await bench.progress.step(`${label} into Kafka`, () =>
      measureScript(bench, "produce", "produce_orders.py", settings, { topic }),
    );
    const job = await bench.progress.step(label, () => measureRun(bench, "customer", place));
    return { events, entities, ...job };
  } finally {
    await withRedis(place.redis, (redis) => redis.flushdb());
    await deleteTopics(kafka, [topic]);
    await rm(bench.scratch(name), { recursive: true, force: true });
  }
}
