/**
 * The online store of a run in real-time mode: it follows the features topic and writes to Redis, while the job's batch
 * goes on. What it does not get to is written by the micro-batches before and after.
 */
import type { KafkaConnection, RedisConnection } from "../platform/connections.ts";
import { endsOf, type Offsets } from "../platform/kafka-admin.ts";
import { type Following, followTopic, type Records } from "../platform/kafka-follow.ts";
import { type RedisClient, withRedis } from "../platform/redis.ts";
import { sleep } from "../platform/waits.ts";
import { Changes, type Gathered } from "./changes.ts";
import { Freshness, type Percentiles } from "./freshness.ts";
import type { BatchStart } from "./message.ts";
import { writeChanges } from "./store.ts";

export interface Written extends Percentiles {
  /** Features of a window of an entity, each time that Redis took them. */
  written: number;
  /** In the topic, and not in Redis yet. */
  lagMessages: number;
}

export interface WriterOptions {
  kafka: KafkaConnection;
  redis: RedisConnection;
  topic: string;
  groupId: string;
  /** Where the topic ended before the job began: whatever is older is of other runs. */
  from: Offsets;
  /** Every second; the percentiles are those of the last ten. `trouble` is what it waits for. */
  onProgress(written: Written, trouble: string | undefined): void;
}

const PROGRESS_MS = 1_000;
const COMMIT_MS = 1_000;
const LEAST_PAUSE_MS = 100;
const MOST_PAUSE_MS = 5_000;
/** A server that neither answers nor closes the connection. */
const ANSWER_MS = 20_000;
/** For what is left in the topic at the end. */
const DRAIN_MS = 30_000;
/** Windows that may wait for Redis before the topic is read on. */
const MOST_WAITING = 50_000;

export class FeatureWriter {
  readonly #options: WriterOptions;
  readonly #changes = new Changes();
  readonly #freshness = new Freshness();
  readonly #highs = new Map<number, number>();
  /** By partition, what Redis has and what Kafka knows of that. */
  readonly #done: Offsets;
  #committed: Offsets;
  #written = 0;
  #troubleOfKafka: string | undefined;
  #troubleOfRedis: string | undefined;
  #following: Promise<Following> | undefined;
  #writing: Promise<void> | undefined;
  #timers: NodeJS.Timeout[] = [];
  #ended = false;
  #wake = () => {};
  #drained: Promise<void> | undefined;

  constructor(options: WriterOptions) {
    this.#options = options;
    this.#done = new Map(options.from);
    this.#committed = new Map(options.from);
  }

  /** A real-time batch is about to begin; the first one starts the writer. */
  begin(start: BatchStart): void {
    this.#changes.begin(start);
    this.#wake();
    if (this.#writing !== undefined || this.#ended) return;
    this.#following = this.#follow();
    this.#writing = this.#write();
    this.#timers = [
      setInterval(
        () => this.#options.onProgress(this.recent(), this.#troubleOfRedis ?? this.#troubleOfKafka),
        PROGRESS_MS,
      ),
      setInterval(() => void this.#commit(), COMMIT_MS),
    ];
  }

  /** Until another `begin` the job goes on in micro-batches. */
  pause(): void {
    this.#changes.pause();
  }

  /** Writes what is in the topic by now, commits, and ends. Never throws: the micro-batches make up for what is missing. */
  end(): Promise<void> {
    this.#drained ??= this.#drain();
    return this.#drained;
  }

  /** Percentiles of the last ten seconds. */
  recent(): Written {
    return { ...this.#counts(), ...this.#freshness.recent(Date.now()) };
  }

  /** Percentiles of the whole run. */
  total(): Written {
    return { ...this.#counts(), ...this.#freshness.total() };
  }

  #counts() {
    let lagMessages = 0;
    for (const [partition, high] of this.#highs)
      lagMessages += Math.max(high - (this.#done.get(partition) ?? 0), 0);
    return { written: this.#written, lagMessages };
  }

  /** Until it follows, or has ended: a broker may be away. */
  async #follow(): Promise<Following> {
    const { kafka, topic, groupId } = this.#options;
    const onTrouble = (error: Error) => {
      this.#troubleOfKafka = `Kafka: ${error.message}`;
    };
    for (let pause = LEAST_PAUSE_MS; ; pause = longer(pause)) {
      try {
        return await followTopic({ kafka, topic, groupId, from: this.#done, onTrouble }, (records) =>
          this.#take(records),
        );
      } catch (error) {
        onTrouble(error as Error);
        if (this.#ended) throw error;
        await sleep(pause);
      }
    }
  }

  async #take({ partition, high, messages, stillThere }: Records): Promise<void> {
    this.#troubleOfKafka = undefined;
    this.#highs.set(partition, high);
    this.#changes.add(partition, messages);
    this.#wake();
    while (this.#changes.size > MOST_WAITING && !this.#ended) {
      await sleep(LEAST_PAUSE_MS);
      await stillThere();
    }
  }

  /** A connection after another, until the end. */
  async #write(): Promise<void> {
    let pause = LEAST_PAUSE_MS;
    const onWritten = () => {
      pause = LEAST_PAUSE_MS;
      this.#troubleOfRedis = undefined;
    };
    while (!this.#ended) {
      try {
        await withRedis(this.#options.redis, (redis) => this.#writeOn(redis, onWritten));
      } catch (error) {
        this.#troubleOfRedis = (error as Error).message;
        await sleep(pause);
        pause = longer(pause);
      }
    }
  }

  /** What comes in while Redis works is what it gets next. */
  async #writeOn(redis: RedisClient, onWritten: () => void): Promise<void> {
    while (!this.#ended) {
      const taken = this.#changes.take();
      if (taken === undefined) {
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
        continue;
      }
      try {
        await inTime(writeChanges(redis, taken.entities.values()));
      } catch (error) {
        this.#changes.putBack(taken);
        throw error;
      }
      this.#note(taken);
      onWritten();
    }
  }

  #note({ entities, sourceMs, offsets }: Gathered): void {
    const now = Date.now();
    for (const { windows } of entities.values()) this.#written += windows.size;
    this.#freshness.add(
      sourceMs.map((ms) => now - ms),
      now,
    );
    for (const [partition, offset] of offsets) this.#done.set(partition, offset);
  }

  /** Where it goes on if the consumer has to begin again, and for those who look at the group's lag. */
  async #commit(): Promise<void> {
    const offsets = new Map(
      [...this.#done].filter(([partition, offset]) => this.#committed.get(partition) !== offset),
    );
    if (offsets.size === 0) return;
    const before = this.#committed;
    this.#committed = new Map(this.#done);
    try {
      await (await this.#following)?.commit(offsets);
    } catch {
      // The next one says more.
      this.#committed = before;
    }
  }

  async #drain(): Promise<void> {
    if (this.#following === undefined) {
      this.#ended = true;
      return;
    }
    try {
      await Promise.race([this.#untilDone(), sleepUnref(DRAIN_MS)]);
    } catch {
      // Kafka is gone, and what is left in it with it.
    }
    this.#ended = true;
    this.#wake();
    for (const timer of this.#timers) clearInterval(timer);
    await this.#commit();
    await this.#following.then((following) => following.stop()).catch(() => {});
    await this.#writing;
  }

  async #untilDone(): Promise<void> {
    const { kafka, topic } = this.#options;
    const ends = await endsOf(kafka, topic);
    for (const [partition, end] of ends)
      while ((this.#done.get(partition) ?? 0) < end && !this.#ended) await sleep(10);
  }
}

function longer(pause: number): number {
  return Math.min(2 * pause, MOST_PAUSE_MS);
}

function sleepUnref(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms).unref());
}

async function inTime<T>(work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(new Error(`Redis has not answered for ${ANSWER_MS / 1000} s`)),
      ANSWER_MS,
    );
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
