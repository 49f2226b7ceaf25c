/**
 * The thread that fetches a topic with kafkajs. kafkajs reads only as a member of a consumer group: the group gets a name of
 * its own, commits nothing, and is deleted afterwards.
 */
import { randomUUID } from "node:crypto";
import { parentPort, workerData } from "node:worker_threads";
import type { Consumer, Kafka, KafkaMessage } from "kafkajs";
import type { KafkaConnection } from "./connections.ts";
import { clientOf, type PartitionRange } from "./kafka.ts";
import { groupPrefixOf, kafkaTrouble } from "./kafka-errors.ts";
import type { Trouble } from "./tls.ts";
import { sleep } from "./waits.ts";

export interface ToRead {
  kafka: KafkaConnection;
  topic: string;
  /** None is empty. */
  ranges: PartitionRange[];
}

/** Records of one partition, in one piece of memory that changes hands without being copied. */
export interface RecordBlock {
  partition: number;
  offsets: Float64Array<ArrayBuffer>;
  timestampsMs: Float64Array<ArrayBuffer>;
  /** Where each value ends in `bytes`; it begins where the one before ends. */
  ends: Uint32Array<ArrayBuffer>;
  isNull: Uint8Array<ArrayBuffer>;
  bytes: ArrayBuffer;
}

export type FromThread = RecordBlock | { trouble: Trouble } | "done";

const FETCH_BYTES = 8 * 1024 * 1024;
/** Blocks that may wait to be worked on. */
const AHEAD = 2;

const { kafka: connection, topic, ranges } = workerData as ToRead;
const port = parentPort as NonNullable<typeof parentPort>;

let hasBegun = false;
let waiting = 0;
let onTaken = (): void => {};
port.on("message", () => {
  waiting -= 1;
  onTaken();
});

try {
  await untilCoordinated(() =>
    consume(clientOf(connection), new Map(ranges.map((range) => [range.partition, range]))),
  );
  port.postMessage("done" satisfies FromThread);
} catch (error) {
  // An error on its way to another thread loses what it was.
  const trouble = kafkaTrouble(connection, error, topic);
  if (trouble === undefined) throw error;
  port.postMessage({ trouble } satisfies FromThread);
}

/** A cluster sets up what coordinates groups with the first group it ever has; kafkajs does not wait for that. */
async function untilCoordinated(read: () => Promise<void>): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      await read();
      return;
    } catch (error) {
      // Once something was handed over, another attempt would hand it over again.
      if (hasBegun || attempt === 5 || !isOfCoordinator(error)) throw error;
    }
    await sleep(1_000);
  }
}

/** Also COORDINATOR_LOAD_IN_PROGRESS and COORDINATOR_NOT_AVAILABLE. */
function isOfCoordinator(error: unknown): boolean {
  const { name, code } = error as { name?: string; code?: unknown };
  return name === "KafkaJSGroupCoordinatorNotFound" || code === 14 || code === 15;
}

async function consume(kafka: Kafka, pending: Map<number, PartitionRange>): Promise<void> {
  const groupId = `${groupPrefixOf(connection)}-${randomUUID()}`;
  const consumer = kafka.consumer({
    groupId,
    allowAutoTopicCreation: false,
    maxBytes: 2 * FETCH_BYTES,
    maxBytesPerPartition: FETCH_BYTES,
    maxWaitTimeInMs: 100,
    sessionTimeout: 60_000,
    // A consumer that kafkajs starts again begins from the start, beside the next attempt of ours.
    retry: { retries: 2, restartOnFailure: async () => false },
  });
  await consumer.connect();
  try {
    await consumer.subscribe({ topic, fromBeginning: true });
    await untilAllRead(consumer, pending);
  } finally {
    await consumer.disconnect();
    await deleteGroup(kafka, groupId);
  }
}

/** The end is taken from the offsets of whole fetches: the last of them may be a transaction's marker and no record. */
function untilAllRead(consumer: Consumer, pending: Map<number, PartitionRange>): Promise<void> {
  return new Promise((resolve, reject) => {
    consumer.on(consumer.events.CRASH, ({ payload }) => reject(payload.error));
    consumer.on(consumer.events.END_BATCH_PROCESS, ({ payload: { partition, lastOffset } }) => {
      const range = pending.get(partition);
      if (range === undefined || Number(lastOffset) + 1 < range.high) return;
      pending.delete(partition);
      consumer.pause([{ topic, partitions: [partition] }]);
      if (pending.size === 0) resolve();
    });
    consumer
      .run({
        autoCommit: false,
        eachBatch: async ({ batch }) => {
          const range = pending.get(batch.partition);
          if (range === undefined) return;
          await handOver(blockOf(batch.partition, batch.messages, range.high));
        },
      })
      .catch(reject);
  });
}

async function handOver(block: RecordBlock): Promise<void> {
  hasBegun = true;
  const { offsets, timestampsMs, ends, isNull, bytes } = block;
  port.postMessage(block, [offsets.buffer, timestampsMs.buffer, ends.buffer, isNull.buffer, bytes]);
  waiting += 1;
  while (waiting > AHEAD) await new Promise<void>((taken) => (onTaken = taken));
}

function blockOf(partition: number, messages: KafkaMessage[], high: number): RecordBlock {
  const wanted = messages.filter(({ offset }) => Number(offset) < high);
  const bytes = new ArrayBuffer(wanted.reduce((sum, { value }) => sum + (value?.length ?? 0), 0));
  const values = Buffer.from(bytes);
  const block: RecordBlock = {
    partition,
    offsets: new Float64Array(wanted.length),
    timestampsMs: new Float64Array(wanted.length),
    ends: new Uint32Array(wanted.length),
    isNull: new Uint8Array(wanted.length),
    bytes,
  };
  let end = 0;
  for (const [i, { offset, timestamp, value }] of wanted.entries()) {
    block.offsets[i] = Number(offset);
    block.timestampsMs[i] = Number(timestamp);
    if (value === null) block.isNull[i] = 1;
    else end += value.copy(values, end);
    block.ends[i] = end;
  }
  return block;
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
