/** What the parts of a benchmark work with: a stack of their own, the two feature sets, and how a run of one is put together. */
import path from "node:path";
import type { FeatureSet } from "../definition/feature-set.ts";
import { topicOf } from "../definition/feature-set.ts";
import { InterruptedError } from "../errors.ts";
import type { RedisConnection } from "../platform/connections.ts";
import type { Progress } from "../platform/progress.ts";
import { localStorage, type Storage } from "../platform/storage.ts";
import type { Endpoints, Stack } from "../stack/stack.ts";
import type { RunRequest } from "../submit/run.ts";
import type { JobMeasure } from "./document.ts";
import type { Orders } from "./orders.ts";
import type { BenchPlan } from "./plan.ts";
import type { Way } from "./ways.ts";

/** A feature set that is run exactly as `run` does. */
export type ShippedSet = "customer" | "customer_append";

/** Where a run reads and writes. */
export interface Place {
  topicPrefix: string;
  redis: RedisConnection;
  storage: Storage;
}

export type JobRequest = Omit<RunRequest, "prepare" | "signal" | "onEvent">;

export interface Equipment {
  plan: BenchPlan;
  stack: Stack;
  endpoints: Endpoints & { postgres: string };
  progress: Progress;
  /** Ends everything. */
  signal: AbortSignal;
  sets: Record<ShippedSet, FeatureSet>;
  /** What `run` would submit, with its defaults. */
  requestOf(set: ShippedSet, place: Place, options: { continuous: boolean }): Promise<JobRequest>;
}

export class Workbench {
  readonly plan: BenchPlan;
  readonly stack: Stack;
  readonly endpoints: Equipment["endpoints"];
  readonly progress: Progress;
  readonly signal: AbortSignal;
  readonly sets: Equipment["sets"];
  readonly requestOf: Equipment["requestOf"];
  readonly orders: Orders;
  readonly home: Place;
  /** Those that were asked for. */
  readonly ways: readonly Way[];
  readonly #measured = new Map<string, Promise<JobMeasure>>();

  constructor(equipment: Equipment & { orders: Orders; storage: Storage; ways: readonly Way[] }) {
    const { endpoints, orders, storage, stack } = equipment;
    this.plan = equipment.plan;
    this.stack = stack;
    this.endpoints = endpoints;
    this.progress = equipment.progress;
    this.signal = equipment.signal;
    this.sets = equipment.sets;
    this.requestOf = equipment.requestOf;
    this.orders = orders;
    this.ways = equipment.ways;
    this.home = { topicPrefix: stack.topicPrefix, redis: endpoints.redis, storage };
  }

  /** The topic that Debezium writes the orders to. */
  get topic(): string {
    return topicOf(this.sets.customer.source, this.stack.topicPrefix);
  }

  /** What is asked for under one name is measured once; later parts go on from what it left. */
  once(name: string, measure: () => Promise<JobMeasure>): Promise<JobMeasure> {
    const known = this.#measured.get(name) ?? measure();
    this.#measured.set(name, known);
    return known;
  }

  /** A place of its own below the stack's temporary files: another topic, another database of Redis. */
  placeOf(name: string, database: number): Place {
    const folder = this.scratch(name);
    const redis = new URL(this.endpoints.redis.url);
    redis.pathname = `/${database}`;
    return {
      topicPrefix: name,
      redis: { ...this.endpoints.redis, url: redis.href },
      storage: localStorage({
        offline: path.join(folder, "features"),
        checkpoints: path.join(folder, "checkpoints"),
        deadLetters: path.join(folder, "dead-letters"),
      }),
    };
  }

  /** A folder that goes with the stack. */
  scratch(name: string): string {
    return path.join(this.stack.stateDir, "tmp", "bench", name);
  }

  refuseInterrupted(): void {
    if (this.signal.aborted) throw new InterruptedError("the benchmark was interrupted");
  }
}
