/**
 * Reading a whole topic once. A thread of its own fetches (`kafka-thread.ts`), so that the broker's records are unpacked while
 * those before are being worked on.
 */
import { Kafka, logLevel, type SASLOptions } from "kafkajs";
import { EnvironmentError, JobError, TimeoutError } from "../errors.ts";
import type { KafkaConnection } from "./connections.ts";
import { isSecured, kafkaTrouble } from "./kafka-errors.ts";
import type { FromThread, RecordBlock, ToRead } from "./kafka-thread.ts";
import "./quiet-kafkajs.ts";
import { startThread } from "./threads.ts";
import { tlsSettings } from "./tls.ts";

export interface PartitionRange {
  partition: number;
  /** The first offset that is there. */
  low: number;
  /** The offset that the next record will get. */
  high: number;
}

export interface TopicRecord {
  partition: number;
  offset: number;
  /** Kafka's own, ms since 1970. */
  timestampMs: number;
  value: Buffer | null;
}

export interface TopicReader {
  /** The topic's partitions as they were when the reading began; nothing from `high` on is handed out. */
  begin(ranges: PartitionRange[]): void;
  /** Offsets of one partition come in order; partitions come in any. */
  record(record: TopicRecord): void;
}

export interface ReadOptions {
  kafka: KafkaConnection;
  topic: string;
  /** Gives up when nothing has come for so long. */
  stallMs?: number;
}

/**
 * Reads every partition from its start to where it ended at the time of the call.
 *
 * Throws EnvironmentError when the broker or the topic is not there or does not let us, JobError when the broker fails, TimeoutError when it stops
 * answering.
 */
export async function readTopic(options: ReadOptions, reader: TopicReader): Promise<void> {
  const ranges = await rangesOf(options);
  reader.begin(ranges);
  const pending = ranges.filter(({ low, high }) => low < high);
  if (pending.length > 0) await fetchAll(options, pending, reader);
}

/** The one place that makes a client. */
export function clientOf(
  { brokers, tls, sasl }: KafkaConnection,
  { connectionTimeoutMs = 10_000, retries = 2 } = {},
): Kafka {
  return new Kafka({
    clientId: "cdc-features",
    brokers: brokers.split(",").map((broker) => broker.trim()),
    ...(tls && { ssl: tlsSettings(tls) }),
    // A copy: kafkajs puts functions into it, which could not be sent to another thread.
    ...(sasl && { sasl: { ...sasl } as SASLOptions }),
    logLevel: logLevel.NOTHING,
    connectionTimeout: connectionTimeoutMs,
    retry: { retries },
  });
}

async function rangesOf(options: ReadOptions): Promise<PartitionRange[]> {
  const ranges = await knownRanges(options);
  if (ranges !== undefined) return ranges;
  const { kafka, topic } = options;
  const rights = isSecured(kafka) ? ", and has the user the right to DESCRIBE and READ it" : "";
  throw new EnvironmentError(`Kafka at ${kafka.brokers} has no topic ${topic}`, {
    hint: `Debezium creates it with the table's first event: is the connector running, and the topic prefix right${rights}?`,
  });
}

/** What a topic holds, nothing when it is not there. Throws EnvironmentError when the broker is not. */
export async function sizeOf(options: ReadOptions): Promise<{ partitions: number; records: number }> {
  const ranges = (await knownRanges(options)) ?? [];
  return {
    partitions: ranges.length,
    records: ranges.reduce((sum, { low, high }) => sum + high - low, 0),
  };
}

/** How many records a topic holds, none when it is not there. Throws EnvironmentError when the broker is not. */
export async function recordsIn(options: ReadOptions): Promise<number> {
  return (await sizeOf(options)).records;
}

/** Throws EnvironmentError that tells why the brokers cannot be used. */
export async function requireKafka(kafka: KafkaConnection): Promise<void> {
  await knownRanges({ kafka, topic: "" });
}

/** Undefined for an unknown topic. */
async function knownRanges({ kafka, topic }: ReadOptions): Promise<PartitionRange[] | undefined> {
  const admin = clientOf(kafka).admin();
  try {
    await admin.connect();
    if (!(await admin.listTopics()).includes(topic)) return undefined;
    const offsets = await admin.fetchTopicOffsets(topic);
    return offsets.map(({ partition, low, high }) => ({ partition, low: Number(low), high: Number(high) }));
  } catch (cause) {
    const unknown = {
      why: (cause as Error).message,
      hint: "Look at the broker's log: `cdc-features logs kafka`.",
    };
    const { why, hint } = kafkaTrouble(kafka, cause, topic) ?? unknown;
    throw new EnvironmentError(`cannot read Kafka at ${kafka.brokers}: ${why}`, { hint, cause });
  } finally {
    await admin.disconnect();
  }
}

async function fetchAll(
  { kafka, topic, stallMs = 20_000 }: ReadOptions,
  ranges: PartitionRange[],
  reader: TopicReader,
): Promise<void> {
  const thread = startThread(new URL("./kafka-thread.ts", import.meta.url), {
    kafka,
    topic,
    ranges,
  } satisfies ToRead);
  let timer: NodeJS.Timeout | undefined;
  try {
    await new Promise<void>((resolve, reject) => {
      timer = setTimeout(() => {
        const message = `Kafka sent nothing more of ${topic} for ${stallMs / 1000} s`;
        reject(new TimeoutError(message, { hint: "Look at the broker's log: `cdc-features logs kafka`." }));
      }, stallMs);
      thread.on("error", (cause) => {
        const message = `Kafka failed while ${topic} was being read: ${cause.message}`;
        reject(
          new JobError(message, { hint: "Look at the broker's log: `cdc-features logs kafka`.", cause }),
        );
      });
      thread.on("exit", () => reject(new Error(`the thread that reads ${topic} ended too early`)));
      thread.on("message", (message: FromThread) => {
        if (message === "done") {
          resolve();
          return;
        }
        if ("trouble" in message) {
          const { why, hint } = message.trouble;
          reject(new EnvironmentError(`cannot read Kafka at ${kafka.brokers}: ${why}`, { hint }));
          return;
        }
        try {
          handOut(message, reader);
        } catch (error) {
          reject(error as Error);
          return;
        }
        timer?.refresh();
        thread.postMessage("more");
      });
    });
  } finally {
    clearTimeout(timer);
    await thread.terminate();
  }
}

function handOut(
  { partition, offsets, timestampsMs, ends, isNull, bytes }: RecordBlock,
  reader: TopicReader,
): void {
  const values = Buffer.from(bytes);
  let start = 0;
  for (let i = 0; i < offsets.length; i += 1) {
    const end = ends[i] as number;
    const value = isNull[i] === 1 ? null : values.subarray(start, end);
    reader.record({
      partition,
      offset: offsets[i] as number,
      timestampMs: timestampsMs[i] as number,
      value,
    });
    start = end;
  }
}
