/** Kafka's administration through kafkajs: is the broker there, and the topics a run needs. */
import { type Admin, Kafka, logLevel } from "kafkajs";
import type { KafkaConnection } from "./connections.ts";
import { succeeds } from "./waits.ts";
import "./quiet-kafkajs.ts";

async function withAdmin<T>(
  { brokers }: KafkaConnection,
  retries: number,
  work: (admin: Admin) => Promise<T>,
): Promise<T> {
  const kafka = new Kafka({
    clientId: "cdc-features",
    brokers: brokers.split(","),
    logLevel: logLevel.NOTHING,
    connectionTimeout: 2_000,
    retry: { retries },
  });
  const admin = kafka.admin();
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

/** Creates the topics that are missing; the others stay as they are. */
export async function createTopics(
  kafka: KafkaConnection,
  topics: string[],
  numPartitions: number,
): Promise<void> {
  await withAdmin(kafka, 5, async (admin) => {
    const present = new Set(await admin.listTopics());
    const missing = topics.filter((topic) => !present.has(topic));
    if (missing.length === 0) return;
    await admin.createTopics({
      waitForLeaders: true,
      topics: missing.map((topic) => ({ topic, numPartitions, replicationFactor: 1 })),
    });
  });
}
