/** Kafka's administration through kafkajs: is the broker there, and the topics a run needs. */
import type { Admin } from "kafkajs";
import type { KafkaConnection } from "./connections.ts";
import { clientOf } from "./kafka.ts";
import { succeeds } from "./waits.ts";

async function withAdmin<T>(
  connection: KafkaConnection,
  retries: number,
  work: (admin: Admin) => Promise<T>,
): Promise<T> {
  const admin = clientOf(connection, { connectionTimeoutMs: 2_000, retries }).admin();
  await admin.connect();
  try {
    return await work(admin);
  } finally {
    await admin.disconnect();
  }
}

export function kafkaAnswers(kafka: KafkaConnection): Promise<boolean> {
  return succeeds(() => withAdmin(kafka, 0, (admin) => admin.describeCluster()));
}

/** Creates the topics that are missing; the others stay as they are. `settings` are Kafka's own for a topic. */
export async function createTopics(
  kafka: KafkaConnection,
  topics: string[],
  numPartitions: number,
  settings: Record<string, string> = {},
): Promise<void> {
  await withAdmin(kafka, 5, async (admin) => {
    const present = new Set(await admin.listTopics());
    const missing = topics.filter((topic) => !present.has(topic));
    if (missing.length === 0) return;
    const configEntries = Object.entries(settings).map(([name, value]) => ({ name, value }));
    await admin.createTopics({
      waitForLeaders: true,
      topics: missing.map((topic) => ({ topic, numPartitions, replicationFactor: 1, configEntries })),
    });
  });
}

/** Deletes topics with all their records. */
export async function deleteTopics(kafka: KafkaConnection, topics: string[]): Promise<void> {
  await withAdmin(kafka, 5, (admin) => admin.deleteTopics({ topics }));
}

/** By partition. */
export type Offsets = Map<number, number>;

/** The offsets that the next records of a topic will get. */
export async function endsOf(kafka: KafkaConnection, topic: string): Promise<Offsets> {
  const offsets = await withAdmin(kafka, 2, (admin) => admin.fetchTopicOffsets(topic));
  return new Map(offsets.map(({ partition, high }) => [partition, Number(high)]));
}
