/** Following a topic as it grows, from given offsets on. */
import type { KafkaConnection } from "./connections.ts";
import { clientOf } from "./kafka.ts";
import type { Offsets } from "./kafka-admin.ts";

export interface FollowOptions {
  kafka: KafkaConnection;
  topic: string;
  groupId: string;
  /** By partition, the first offset that is wanted. */
  from: Offsets;
  /** The consumer failed and begins again, where it last committed. */
  onTrouble(error: Error): void;
}

export interface Records {
  partition: number;
  /** The offset that the topic's next record will get. */
  high: number;
  messages: { offset: number; value: Buffer | null }[];
  /** To be called while the records are kept waiting. */
  stillThere(): Promise<void>;
}

export interface Following {
  /** By partition, the offset behind the last record that is done. */
  commit(offsets: Offsets): Promise<void>;
  stop(): Promise<void>;
}

/** Most that a fetch waits for a record, which ends the wait: a bound for `stop` alone. */
const IDLE_MS = 250;
/** A command that was killed is a member of its group for so long, and the next one waits for that. */
const SESSION_MS = 6_000;
const STOP_MS = 5_000;

/** Resolves when records come in. Some may come twice. */
export async function followTopic(
  { kafka, topic, groupId, from, onTrouble }: FollowOptions,
  onRecords: (records: Records) => Promise<void>,
): Promise<Following> {
  const consumer = clientOf(kafka).consumer({
    groupId,
    allowAutoTopicCreation: false,
    minBytes: 1,
    maxWaitTimeInMs: IDLE_MS,
    sessionTimeout: SESSION_MS,
    heartbeatInterval: 1_000,
    retry: {
      restartOnFailure: async (error) => {
        onTrouble(error);
        return true;
      },
    },
  });
  const commit = (offsets: Offsets) =>
    consumer.commitOffsets(
      [...offsets].map(([partition, offset]) => ({ topic, partition, offset: String(offset) })),
    );
  await consumer.connect();
  try {
    await consumer.subscribe({ topic });
    await consumer.run({
      autoCommit: false,
      eachBatch: async ({ batch: { partition, highWatermark, messages }, heartbeat }) =>
        onRecords({
          partition,
          high: Number(highWatermark),
          messages: messages.map(({ offset, value }) => ({ offset: Number(offset), value })),
          stillThere: heartbeat,
        }),
    });
    for (const [partition, offset] of from) consumer.seek({ topic, partition, offset: String(offset) });
    // Else one that begins again would begin at the topic's end.
    await commit(from);
  } catch (error) {
    await consumer.disconnect();
    throw error;
  }
  return {
    commit,
    // It would wait for a broker that is gone.
    stop: () =>
      Promise.race([
        consumer.disconnect(),
        new Promise<void>((resolve) => setTimeout(resolve, STOP_MS).unref()),
      ]),
  };
}
