/** When changes become readable: asks Redis again and again for the customers whose changes are not. */
import type { RedisClient } from "../platform/redis.ts";
import { sleep } from "../platform/waits.ts";
import type { CommittedChange } from "./live-orders.ts";
import type { LiveWay } from "./ways.ts";

const EVERY_MS = 4;
/** Of a round trip. With more outstanding a key's turn comes later, which stays below a hundredth of its latency. */
const KEYS_PER_ROUND_TRIP = 100;

/** Above this rate not every change is watched: asking must not slow down what is measured. */
export const WATCHED_PER_SECOND = 200;

export interface Waiting extends CommittedChange {
  /** Hears the latency in milliseconds. */
  onReadable(ms: number): void;
}

export class ReadableWatch {
  readonly #redis: RedisClient;
  readonly #way: Pick<LiveWay, "key" | "latestField" | "latest">;
  /** By customer, each in order of its instants. */
  readonly #outstanding = new Map<number, Waiting[]>();
  #turns: number[] = [];
  #ended = false;

  constructor(redis: RedisClient, way: Pick<LiveWay, "key" | "latestField" | "latest">) {
    this.#redis = redis;
    this.#way = way;
  }

  watch(change: Waiting): void {
    const others = this.#outstanding.get(change.customer);
    if (others === undefined) this.#outstanding.set(change.customer, [change]);
    else others.push(change);
  }

  get outstanding(): number {
    let sum = 0;
    for (const waiting of this.#outstanding.values()) sum += waiting.length;
    return sum;
  }

  /** Gives up on what is not readable yet. */
  forget(): void {
    this.#outstanding.clear();
  }

  end(): void {
    this.#ended = true;
  }

  /** Asks until `end`. */
  async run(): Promise<void> {
    while (!this.#ended) {
      const begun = performance.now();
      if (this.#outstanding.size > 0) await this.#ask();
      await sleep(Math.max(1, EVERY_MS - (performance.now() - begun)));
    }
  }

  /** One round trip, for customers in turn. */
  async #ask(): Promise<void> {
    if (this.#turns.length === 0) this.#turns = [...this.#outstanding.keys()].reverse();
    const customers = this.#turns.splice(-KEYS_PER_ROUND_TRIP);
    const pipeline = this.#redis.pipeline();
    for (const customer of customers) pipeline.hget(this.#way.key(customer), this.#way.latestField);
    const replies = await pipeline.exec();
    const now = performance.now();
    customers.forEach((customer, i) => {
      const [error, text] = replies?.[i] ?? [null, null];
      if (error) throw error;
      const latest = this.#way.latest(String(text ?? ""));
      if (latest !== undefined) this.#arrived(customer, latest, now);
    });
  }

  #arrived(customer: number, latest: bigint, now: number): void {
    const waiting = this.#outstanding.get(customer) ?? [];
    const first = waiting.findIndex(({ instant }) => instant > latest);
    const readable = waiting.splice(0, first < 0 ? waiting.length : first);
    if (waiting.length === 0) this.#outstanding.delete(customer);
    for (const one of readable) one.onReadable(now - one.committedAt);
  }
}

/** Whether a change is among the watched ones, one in `every`; not by its number alone, which decides what kind it is. */
export function isWatched(number: number, every: number): boolean {
  // Knuth's multiplicative hash.
  return Math.imul(number, 2_654_435_761) >>> 0 < 2 ** 32 / every;
}
