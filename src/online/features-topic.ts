/** The topic that a job in real-time mode publishes its features to. */
import type { KafkaConnection } from "../platform/connections.ts";
import { sizeOf } from "../platform/kafka.ts";
import { createTopics, endsOf, type Offsets } from "../platform/kafka-admin.ts";

const WEEK_MS = 7 * 24 * 3_600_000;

/** Its newest message of each entity and window stays for ever, all of them for a week. */
const SETTINGS = { "cleanup.policy": "compact", "min.compaction.lag.ms": String(WEEK_MS) };

/** Makes it where it is missing, with as many partitions as the topic it comes from, and tells where it ends. */
export async function prepareFeaturesTopic(
  kafka: KafkaConnection,
  { topic, source }: { topic: string; source: string },
): Promise<Offsets> {
  const { partitions } = await sizeOf({ kafka, topic: source });
  await createTopics(kafka, [topic], Math.max(partitions, 1), SETTINGS);
  return endsOf(kafka, topic);
}
