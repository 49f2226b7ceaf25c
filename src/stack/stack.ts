/** The servers a run needs, whatever they run on: one port, one implementation per target. */
import type { Progress } from "../platform/progress.ts";

export interface Endpoints {
  /** `postgres://user:password@host:port/database` */
  postgres: string;
  /** `host:port[,host:port…]` */
  kafka: string;
  /** `http://host:port` of the Kafka Connect REST interface */
  connect: string;
  /** `redis://host:port/0` */
  redis: string;
  /** Folder of the offline store */
  offline: string;
}

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
  sparkSubmit: string;
  master: string;
  /** Environment of spark-submit: PATH, JAVA_HOME, PYSPARK_PYTHON … */
  env: NodeJS.ProcessEnv;
  /** Spark settings the target asks for. */
  conf: Record<string, string>;
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

export interface Stack {
  readonly target: string;
  readonly stateDir: string;
  /** Sets up and starts what is missing; idempotent. */
  up(progress: Progress, options: { newPorts: boolean }): Promise<Endpoints>;
  /** Endpoints of a stack that is up. Throws EnvironmentError when it is not. */
  endpoints(): Promise<Endpoints>;
  /** What spark-submit needs for a run over `topic`; only after `up`. */
  spark(run: { topic: string; continuous: boolean }): Promise<SparkRuntime>;
  /** The same without any server: sets up what Spark itself is missing; idempotent. */
  setUpSpark(progress: Progress): Promise<SparkRuntime>;
  /** Resolves once every change committed before the call is in its topic. */
  captureCaughtUp(timeoutMs: number): Promise<void>;
  /** What commands noted about this stack. */
  memory(): Promise<StackMemory>;
  remember(memory: StackMemory): Promise<void>;
  status(): Promise<ServerStatus[]>;
  /** Path of a server's log. Throws UsageError for an unknown name, naming the known ones. */
  logFile(name: string): string;
  down(progress: Progress, options: { purge: boolean }): Promise<void>;
  doctor(): Promise<Check[]>;
}

/** Debezium's `topic.prefix` for the demo shop. */
export const TOPIC_PREFIX = "shop";
