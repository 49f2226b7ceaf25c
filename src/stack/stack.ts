/** The servers a run needs, whatever they run on: one port, one implementation per target. */
import type { Mode } from "../definition/mode.ts";
import type { KafkaConnection, RedisConnection } from "../platform/connections.ts";
import type { Driver } from "../platform/driver.ts";
import type { LogOptions } from "../platform/logs.ts";
import type { Progress } from "../platform/progress.ts";
import type { Storage } from "../platform/storage.ts";

export interface Endpoints {
  /** `postgres://user:password@host:port/database`; undefined where the target knows of no database. */
  postgres: string | undefined;
  kafka: KafkaConnection;
  /** `http://host:port` of the Kafka Connect REST interface, where the target knows it. */
  connect: string | undefined;
  redis: RedisConnection;
  /** Folder of this machine with the offline store, or with what was last fetched of it. */
  offline: string;
}

/** As `up` prints them: what an ordinary client accepts, or null where there is none. */
export interface EndpointUrls {
  postgres: string | null;
  kafka: string;
  connect: string | null;
  redis: string;
  offline: string;
}

/** Those of a stack that brings its own database and capture. */
export type OwnEndpoints = Endpoints & { postgres: string; connect: string };

export interface ServerStatus {
  name: string;
  state: "running" | "stopped" | "crashed";
  pid: number | undefined;
  port: number | undefined;
  log: string;
  /** What the server says of itself: the connector's state, for one. */
  detail: string | undefined;
}

/** How to call spark-submit on this target. */
export interface SparkRuntime {
  /** The program and what stands before spark-submit's own arguments. */
  command: string[];
  master: string;
  /** Environment of the command: PATH, JAVA_HOME, PYSPARK_PYTHON … */
  env: NodeJS.ProcessEnv;
  /** Spark settings the target asks for. */
  conf: Record<string, string>;
  /** The servers by the addresses that jobs reach them at, where these are others than this machine's. */
  servers?: Pick<Endpoints, "kafka" | "redis">;
  /** Texts that are not to be shown or logged. */
  secrets?: string[];
  /** More arguments of spark-submit. */
  options?: string[];
  driver: Driver;
  /** The driver's Python, where a run that has nothing to read may do without Spark. */
  python?: string;
  /** Most records of a micro-batch, unless the run says otherwise. */
  batchRecords: number;
  /** Removes what a killed run of the same set left behind; only while no other run of it is on. */
  clear?(): Promise<void>;
}

export interface Check {
  name: string;
  ok: boolean;
  found: string;
  /** The way to get it, where it is missing. */
  hint: string | undefined;
}

export interface StackMemory {
  /** Whether the demo shop was filled, or the user did not want that; neither is asked again. */
  demoData?: "seeded" | "declined";
}

export interface SparkRun {
  featureSet: string;
  topic: string;
  continuous: boolean;
  mode: Mode;
  /** Settings of Spark, over those of the target. */
  conf: Record<string, string>;
}

export interface Stack {
  readonly target: string;
  readonly stateDir: string;
  /** Debezium's `topic.prefix`. */
  readonly topicPrefix: string;
  /** Whether the stack brings the demo shop, a database of its own that may be filled and changed. */
  readonly hasShop: boolean;
  /** How its Spark can work. */
  readonly modes: readonly Mode[];
  /** Sets up and starts what is missing; idempotent. `realtime` asks for the Spark of that mode, too. */
  up(progress: Progress, options: { newPorts: boolean; realtime?: boolean }): Promise<Endpoints>;
  /** Endpoints of a stack that is up. Throws EnvironmentError when it is not. */
  endpoints(): Promise<Endpoints>;
  storage(): Promise<Storage>;
  /** What spark-submit needs for a run of `featureSet` over `topic`; only after an `up` for the mode. */
  spark(run: SparkRun): Promise<SparkRuntime>;
  /** Resolves once every change committed before the call is in its topic. */
  captureCaughtUp(timeoutMs: number): Promise<void>;
  /** What commands noted about this stack. */
  memory(): Promise<StackMemory>;
  remember(memory: StackMemory): Promise<void>;
  status(): Promise<ServerStatus[]>;
  /** Prints a server's log. Throws UsageError for an unknown name. */
  log(name: string, options: LogOptions, print: (text: string) => void): Promise<void>;
  down(progress: Progress, options: { purge: boolean }): Promise<void>;
  doctor(): Promise<Check[]>;
}

/** This machine's own Spark, without any server. */
export interface LocalSpark {
  readonly stateDir: string;
  /** Sets up what is missing; idempotent. */
  setUpSpark(progress: Progress): Promise<SparkRuntime>;
}

/** Debezium's `topic.prefix` for the demo shop. */
export const TOPIC_PREFIX = "shop";

/** Passwords of a stack's own servers are part of the URLs; those of others are nobody's business. */
export function urlsOf(endpoints: Endpoints, { withPasswords }: { withPasswords: boolean }): EndpointUrls {
  const { postgres, kafka, connect, redis, offline } = endpoints;
  const shown = (url: string) => (withPasswords ? url : withoutPassword(url));
  return {
    postgres: postgres === undefined ? null : shown(postgres),
    kafka: kafka.brokers,
    connect: connect ?? null,
    redis: shown(redis.url),
    offline,
  };
}

function withoutPassword(text: string): string {
  const url = new URL(text);
  url.password = "";
  return url.href;
}
