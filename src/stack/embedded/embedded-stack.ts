/**
 * The real servers on this machine, without Docker: Postgres, Kafka, Kafka Connect with Debezium, Redis, and
 * Spark in a Python environment of its own. Servers outlive the command that starts them.
 */
import { existsSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import path from "node:path";
import { MODES } from "../../definition/mode.ts";
import { EnvironmentError, JobError, UsageError } from "../../errors.ts";
import { lastLines, readIfExists, writeFileAtomic } from "../../platform/files.ts";
import { sizeOf } from "../../platform/kafka.ts";
import { kafkaAnswers } from "../../platform/kafka-admin.ts";
import { waitingFor, withLock } from "../../platform/lock.ts";
import { type LogOptions, showLog } from "../../platform/logs.ts";
import { isAlive, type ServerProcess, stopServer } from "../../platform/processes.ts";
import { type Progress, silent } from "../../platform/progress.ts";
import { redisAnswers } from "../../platform/redis.ts";
import { localStorage, type Storage } from "../../platform/storage.ts";
import { succeeds, waitFor } from "../../platform/waits.ts";
import {
  connectorCaughtUp,
  connectorIsUp,
  connectorState,
  createTableTopics,
  postgresAnswers,
  prepareShop,
  startConnector,
} from "../connector.ts";
import { type Home, inState } from "../home.ts";
import { checkPort, choosePorts, claimPort } from "../project-ports.ts";
import { checkPrerequisites, requirePrerequisites } from "../setup/prerequisites.ts";
import {
  checkRealtimeSpark,
  installRealtimeSpark,
  presentRealtimeSpark,
  type RealtimeInstallation,
} from "../setup/realtime-spark.ts";
import { shareClassesLater, sharedClasses } from "../setup/shared-classes.ts";
import { installSpark, type SparkInstallation } from "../setup/spark.ts";
import {
  type Check,
  type OwnEndpoints,
  type ServerStatus,
  type SparkRun,
  type SparkRuntime,
  type Stack,
  type StackMemory,
  TOPIC_PREFIX,
} from "../stack.ts";
import { claimStateFolder, removeEmpty, removeState } from "../state-folder.ts";
import { realtimeTuningOf, thisMachine, tuningOf } from "../tuning.ts";
import { clearLeftovers, removeLeftovers } from "./leftovers.ts";
import { startConnect } from "./servers/connect.ts";
import { startKafka } from "./servers/kafka.ts";
import { POSTGRES_DATABASE, POSTGRES_USER, startPostgres } from "./servers/postgres.ts";
import { startRedis } from "./servers/redis.ts";
import { realtimeRuntime, sparkRuntime } from "./spark-runtime.ts";
import { loadState, newState, PORTS, SERVERS, type ServerName, type StackState, saveState } from "./state.ts";

const START_TIMEOUT_MS = 120_000;
const UP_LOCK_TIMEOUT_MS = 30 * 60_000;

/** Stopped in this order: Debezium before the database that would wait for it. */
const STOP_ORDER: readonly ServerName[] = ["connect", "kafka", "redis", "postgres"];

interface Installation extends SparkInstallation {
  /** Where it was once asked for. */
  realtime: RealtimeInstallation | undefined;
}

interface Startup {
  name: ServerName;
  launch: () => Promise<ServerProcess>;
  answers: () => Promise<boolean>;
  /** Ends the wait for an answer. */
  signal: AbortSignal;
}

export class EmbeddedStack implements Stack {
  readonly target = "embedded";
  readonly topicPrefix = TOPIC_PREFIX;
  readonly hasShop = true;
  readonly modes = MODES;
  readonly stateDir: string;
  readonly #home: Home;

  constructor(home: Home) {
    this.#home = home;
    this.stateDir = home.state;
  }

  async up(progress: Progress, options: { newPorts: boolean; realtime?: boolean }): Promise<OwnEndpoints> {
    await requirePrerequisites(process.env);
    await claimStateFolder(this.#home);
    return this.#locked("cdc-features up", progress, async () => {
      // Once more: the lock may have been waited for, and its holder have purged the project.
      await claimStateFolder(this.#home);
      const installation = await this.#install(progress, options.realtime);
      const state = (await loadState(this.#home)) ?? (await this.#firstState());
      if (options.newPorts) await this.#moveToNewPorts(state, progress);
      saveState(this.#home, state);
      const endpoints = endpointsOf(state, this.#home);
      await this.#startServers(state, endpoints, installation, progress);
      await mkdir(endpoints.offline, { recursive: true });
      await mkdir(inState.tmp(this.#home), { recursive: true });
      await shareClassesLater(this.#home, installation);
      return endpoints;
    });
  }

  async endpoints(): Promise<OwnEndpoints> {
    const state = await loadState(this.#home);
    const stopped = SERVERS.filter((name) => !isRunning(state, name));
    if (state === undefined || stopped.length > 0) {
      throw new EnvironmentError(`not running here: ${stopped.join(", ")}`, {
        hint: "Start the stack with `cdc-features up`.",
      });
    }
    return endpointsOf(state, this.#home);
  }

  async spark({ topic, continuous, mode, conf }: SparkRun): Promise<SparkRuntime> {
    const installation = await this.#installed();
    const { kafka } = await this.endpoints();
    const { records, partitions } = await sizeOf({ kafka, topic });
    const load = { continuous, records };
    const runtime =
      mode === "realtime"
        ? realtimeRuntime(
            this.#home,
            withRealtime(installation),
            realtimeTuningOf(thisMachine(), { ...load, topicPartitions: partitions }),
          )
        : sparkRuntime(
            this.#home,
            installation,
            tuningOf(thisMachine(), load),
            await sharedClasses(this.#home, installation),
          );
    return { ...runtime, conf: { ...runtime.conf, ...conf } };
  }

  async setUpSpark(progress: Progress): Promise<SparkRuntime> {
    await requirePrerequisites(process.env);
    await claimStateFolder(this.#home);
    return this.#locked("cdc-features test", progress, async () => {
      await claimStateFolder(this.#home);
      const installation = await this.#install(progress);
      await mkdir(inState.tmp(this.#home), { recursive: true });
      return sparkRuntime(
        this.#home,
        installation,
        tuningOf(thisMachine(), { continuous: false, records: 0 }),
      );
    });
  }

  async captureCaughtUp(timeoutMs: number): Promise<void> {
    const endpoints = await this.endpoints();
    // A table may have been made since `up`.
    await createTableTopics(endpoints);
    await connectorCaughtUp(endpoints, timeoutMs);
  }

  async memory(): Promise<StackMemory> {
    return (await loadState(this.#home))?.memory ?? {};
  }

  async remember(memory: StackMemory): Promise<void> {
    await this.#locked("cdc-features", silent, async () => {
      const state = await loadState(this.#home);
      if (state !== undefined) saveState(this.#home, { ...state, memory: { ...state.memory, ...memory } });
    });
  }

  async status(): Promise<ServerStatus[]> {
    const state = await loadState(this.#home);
    return Promise.all(
      SERVERS.map(async (name) => {
        const ref = state?.processes[name];
        const running = isRunning(state, name);
        return {
          name,
          state: running ? "running" : ref === undefined ? "stopped" : "crashed",
          pid: running ? ref?.pid : undefined,
          port: state?.ports[name],
          log: inState.log(this.#home, name),
          detail:
            running && state !== undefined ? await detail(name, endpointsOf(state, this.#home)) : undefined,
        } satisfies ServerStatus;
      }),
    );
  }

  async log(name: string, options: LogOptions, print: (text: string) => void): Promise<void> {
    if (!SERVERS.includes(name as ServerName)) {
      throw new UsageError(`no server named ${name}`, { hint: `There are: ${SERVERS.join(", ")}` });
    }
    await showLog(inState.log(this.#home, name), options, print);
  }

  async storage(): Promise<Storage> {
    return localStorage({
      offline: inState.offline(this.#home),
      checkpoints: path.join(this.stateDir, "checkpoints"),
      deadLetters: path.join(this.stateDir, "dead-letters"),
    });
  }

  async down(progress: Progress, options: { purge: boolean }): Promise<void> {
    if (!existsSync(this.stateDir) && !options.purge) return;
    await this.#locked("cdc-features down", progress, async () => {
      const state = await loadState(this.#home);
      if (state !== undefined) await this.#stopServers(state, progress);
      if (!options.purge) return;
      await removeLeftovers(this.#home);
      await removeState(this.#home);
    });
    if (options.purge) await removeEmpty(this.stateDir);
  }

  async doctor(): Promise<Check[]> {
    const state = await loadState(this.#home);
    const checks = [...(await checkPrerequisites(process.env)), await checkRealtimeSpark(this.#home)];
    for (const [name, port] of Object.entries(state?.ports ?? {})) {
      // The controller is part of the broker.
      const server = (name === "controller" ? "kafka" : name) as ServerName;
      checks.push(await checkPort(name, port, isRunning(state, server)));
    }
    return checks;
  }

  /** One command at a time starts or stops servers. */
  #locked<T>(purpose: string, progress: Progress, work: () => Promise<T>): Promise<T> {
    return withLock(inState.upLock(this.#home), purpose, UP_LOCK_TIMEOUT_MS, work, (holder) =>
      progress.note(waitingFor(holder)),
    );
  }

  /** Downloads what the cache does not hold yet and remembers where everything is. */
  async #install(progress: Progress, realtime = false): Promise<Installation> {
    const spark = await installSpark(this.#home, progress);
    const installation: Installation = {
      ...spark,
      realtime: realtime
        ? await installRealtimeSpark(this.#home, spark, progress)
        : await presentRealtimeSpark(this.#home),
    };
    await writeFileAtomic(inState.installation(this.#home), JSON.stringify(installation, null, 2));
    return installation;
  }

  async #installed(): Promise<Installation> {
    const text = await readIfExists(inState.installation(this.#home));
    if (text === undefined)
      throw new EnvironmentError("the stack is not set up here", { hint: "Run `cdc-features up`." });
    return JSON.parse(text) as Installation;
  }

  async #firstState(): Promise<StackState> {
    await clearLeftovers(this.#home);
    return newState(this.#home);
  }

  async #moveToNewPorts(state: StackState, progress: Progress): Promise<void> {
    await this.#stopServers(state, progress);
    state.ports = await choosePorts(this.#home.state, PORTS);
  }

  /** Whatever is not running is started; all that can go side by side does. */
  async #startServers(
    state: StackState,
    endpoints: OwnEndpoints,
    installation: SparkInstallation,
    progress: Progress,
  ): Promise<void> {
    const { javaHome, venv } = installation;
    const { ports } = state;
    const failed = new AbortController();
    const start = (name: ServerName, launch: () => Promise<ServerProcess>, answers: () => Promise<boolean>) =>
      this.#startServer(state, progress, { name, launch, answers, signal: failed.signal });

    const postgres = async () => {
      await start(
        "postgres",
        () => startPostgres(this.#home, state),
        () => postgresAnswers(endpoints.postgres),
      );
      await prepareShop(endpoints.postgres);
    };
    const kafka = () =>
      start(
        "kafka",
        async () => {
          await claimPort("controller", ports.controller);
          return startKafka({
            home: this.#home,
            javaHome,
            jars: installation.jars.kafka,
            port: ports.kafka,
            controllerPort: ports.controller,
          });
        },
        () => kafkaAnswers(endpoints.kafka),
      );
    // Connect waits for the broker by itself, so that both JVMs can come up together.
    const connect = () =>
      start(
        "connect",
        () =>
          startConnect({
            home: this.#home,
            javaHome,
            jars: installation.jars.kafka,
            port: ports.connect,
            kafka: endpoints.kafka.brokers,
          }),
        () => succeeds(async () => (await fetch(`${endpoints.connect}/connectors`)).json()),
      );
    const redis = () =>
      start(
        "redis",
        () => startRedis(this.#home, venv, ports.redis),
        () => redisAnswers(endpoints.redis),
      );

    // When one fails, nobody waits for the others.
    await settleAll(
      [postgres, kafka, connect, redis].map((server) =>
        server().catch((error: unknown) => {
          failed.abort(error);
          throw error;
        }),
      ),
    );
    await createTableTopics(endpoints);
    if (!(await connectorIsUp(endpoints))) {
      await progress.step("Debezium connector", () => startConnector(endpoints, START_TIMEOUT_MS));
    }
  }

  async #startServer(state: StackState, progress: Progress, startup: Startup): Promise<void> {
    const { name, launch } = startup;
    if (isRunning(state, name)) {
      await this.#untilItAnswers(undefined, startup);
      return;
    }
    await progress.step(name, async () => {
      await claimPort(name, state.ports[name]);
      const server = await launch();
      state.processes[name] = await server.ref;
      saveState(this.#home, state);
      await this.#untilItAnswers(server, startup);
    });
  }

  async #untilItAnswers(server: ServerProcess | undefined, startup: Startup): Promise<void> {
    const { name, answers, signal } = startup;
    const log = inState.log(this.#home, name);
    await waitFor(
      { what: `${name} to answer`, timeoutMs: START_TIMEOUT_MS, hint: `See ${log}`, signal },
      async () => {
        if (server?.exit !== undefined) {
          throw new JobError(
            `${name} ended at once (${server.exit}):\n${(await lastLines(log, 5)).join("\n")}`,
            { hint: `See ${log}` },
          );
        }
        return (await answers()) ? true : undefined;
      },
    );
  }

  async #stopServers(state: StackState, progress: Progress): Promise<void> {
    for (const name of STOP_ORDER) {
      const ref = state.processes[name];
      if (ref === undefined) continue;
      if (isAlive(ref)) {
        await progress.step(`stopping ${name}`, async (step) => {
          // Postgres' fast shutdown does not wait for clients.
          const gently = await stopServer(ref, 20_000, name === "postgres" ? "SIGINT" : "SIGTERM");
          if (!gently) step.update("did not end in 20 s and was killed");
        });
      }
      delete state.processes[name];
      saveState(this.#home, state);
    }
  }
}

function withRealtime({ realtime, ...installation }: Installation): SparkInstallation {
  if (realtime === undefined)
    throw new EnvironmentError("the Spark of real-time mode is not set up here", {
      hint: "`cdc-features run SET --mode realtime`, without --dry-run, sets it up.",
    });
  const { venv, sparkHome, jars } = realtime;
  return { ...installation, venv, sparkHome, jars: { ...installation.jars, spark: jars } };
}

function isRunning(state: StackState | undefined, name: ServerName): boolean {
  const ref = state?.processes[name];
  return ref !== undefined && isAlive(ref);
}

function endpointsOf(state: StackState, home: Home): OwnEndpoints {
  const { ports, password } = state;
  return {
    postgres: `postgres://${POSTGRES_USER}:${password}@127.0.0.1:${ports.postgres}/${POSTGRES_DATABASE}`,
    kafka: { brokers: `127.0.0.1:${ports.kafka}` },
    connect: `http://127.0.0.1:${ports.connect}`,
    redis: { url: `redis://127.0.0.1:${ports.redis}/0` },
    offline: inState.offline(home),
  };
}

async function detail(name: ServerName, endpoints: OwnEndpoints): Promise<string | undefined> {
  if (name !== "connect") return undefined;
  const state = await connectorState(endpoints.connect).catch(() => undefined);
  if (state === undefined) return "does not answer";
  return state.failure ?? (state.running ? "connector running" : "connector not running");
}

/** All of them, even when one fails: what starts must be remembered before the error goes up. */
async function settleAll(work: Promise<unknown>[]): Promise<void> {
  for (const result of await Promise.allSettled(work)) {
    if (result.status === "rejected") throw result.reason;
  }
}
