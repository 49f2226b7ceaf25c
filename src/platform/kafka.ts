/**
 * Reading a whole topic once with kafkajs. kafkajs reads only as a member of a consumer group: the group gets a
 * name of its own, commits nothing, and is deleted afterwards.
 */
import { randomUUID } from "node:crypto";
import { type Consumer, Kafka, type KafkaMessage, logLevel } from "kafkajs";
import { EnvironmentError, TimeoutError } from "../errors.ts";
import "./quiet-kafkajs.ts";

export interface PartitionRange {
  partition: number;
  /** The first offset that is there. */
  low: number;
  /** The offset that the next record will get. */
  high: number;
}

export interface TopicReader {
  /** The topic's partitions as they were when the reading began; nothing from `high` on is handed out. */
  begin(ranges: PartitionRange[]): void;
  /** Offsets of one partition come in order; partitions come in any. */
  record(partition: number, offset: number, message: KafkaMessage): void;
}

export interface ReadOptions {
  /** host:port list, comma separated. */
  brokers: string;
  topic: string;
  /** Gives up when nothing has come for so long. */
  stallMs?: number;
}

const READ_BYTES = 16 * 1024 * 1024;

/**
 * Reads every partition from its start to where it ended at the time of the call.
 *
 * Throws EnvironmentError when the broker or the topic is not there, TimeoutError when the broker stops answering.
 */
export async function readTopic(options: ReadOptions, reader: TopicReader): Promise<void> {
  const kafka = new Kafka({
    clientId: "cdc-features",
    brokers: options.brokers.split(","),
    logLevel: logLevel.NOTHING,
    connectionTimeout: 3_000,
    retry: { retries: 2 },
  });
  const ranges = await rangesOf(kafka, options);
  reader.begin(ranges);
  const pending = new Map(
    ranges.filter(({ low, high }) => low < high).map((range) => [range.partition, range]),
  );
  if (pending.size > 0) await consume(kafka, options, reader, pending);
}

async function rangesOf(kafka: Kafka, { brokers, topic }: ReadOptions): Promise<PartitionRange[]> {
  const admin = kafka.admin();
  try {
    await admin.connect();
  } catch (cause) {
    throw new EnvironmentError(`cannot connect to Kafka at ${brokers}: ${(cause as Error).message}`, {
      hint: "Start the stack with `cdc-features up`.",
      cause,
    });
  }
  try {
    if (!(await admin.listTopics()).includes(topic)) {
      throw new EnvironmentError(`Kafka at ${brokers} has no topic ${topic}`, {
        hint: "Debezium creates it with the table's first event: is the connector running, and the topic prefix right?",
      });
    }
    const offsets = await admin.fetchTopicOffsets(topic);
    return offsets.map(({ partition, low, high }) => ({ partition, low: Number(low), high: Number(high) }));
  } finally {
    await admin.disconnect();
  }
}

async function consume(
  kafka: Kafka,
  { topic, stallMs = 20_000 }: ReadOptions,
  reader: TopicReader,
  pending: Map<number, PartitionRange>,
): Promise<void> {
  const groupId = `cdc-features-verify-${randomUUID()}`;
  const consumer = kafka.consumer({
    groupId,
    allowAutoTopicCreation: false,
    maxBytes: 4 * READ_BYTES,
    maxBytesPerPartition: READ_BYTES,
    maxWaitTimeInMs: 100,
    sessionTimeout: 60_000,
  });
  await consumer.connect();
  try {
    await consumer.subscribe({ topic, fromBeginning: true });
    await untilAllReached(consumer, { topic, stallMs }, reader, pending);
  } finally {
    await consumer.disconnect();
    await deleteGroup(kafka, groupId);
  }
}

/** The end is taken from the offsets of whole fetches: the last of them may be a transaction's marker and no record. */
function untilAllReached(
  consumer: Consumer,
  { topic, stallMs }: { topic: string; stallMs: number },
  reader: TopicReader,
  pending: Map<number, PartitionRange>,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const stalled = (): void => {
      const places = [...pending.values()].map(
        ({ partition, high }) => `partition ${partition} up to offset ${high}`,
      );
      reject(
        new TimeoutError(
          `Kafka sent nothing more of ${topic} for ${stallMs / 1000} s: waited for ${places.join(", ")}`,
          {
            hint: "Look at the broker's log: `cdc-features logs kafka`.",
          },
        ),
      );
    };
    const timer = setTimeout(stalled, stallMs);
    const fail = (error: unknown): void => {
      clearTimeout(timer);
      reject(error);
    };
    consumer.on(consumer.events.CRASH, ({ payload }) => fail(payload.error));
    consumer.on(consumer.events.END_BATCH_PROCESS, ({ payload }) => {
      timer.refresh();
      const range = pending.get(payload.partition);
      if (range === undefined) return;
      if (Number(payload.lastOffset) + 1 < range.high) return;
      pending.delete(payload.partition);
      consumer.pause([{ topic, partitions: [payload.partition] }]);
      if (pending.size > 0) return;
      clearTimeout(timer);
      resolve();
    });
    consumer
      .run({
        autoCommit: false,
        eachBatch: async ({ batch }) => {
          const range = pending.get(batch.partition);
          if (range === undefined) return;
          try {
            for (const message of batch.messages) {
              const offset = Number(message.offset);
              if (offset < range.high) reader.record(batch.partition, offset, message);
            }
          } catch (error) {
            fail(error);
          }
        },
      })
      .catch(fail);
  });
}

/** An empty group left behind would only be litter: the broker drops it by itself some days later. */
async function deleteGroup(kafka: Kafka, groupId: string): Promise<void> {
  const admin = kafka.admin();
  try {
    await admin.connect();
    await admin.deleteGroups([groupId]);
  } catch {
    // The result is there already; litter is no reason to lose it.
  } finally {
    await admin.disconnect();
  }
}
