/**
 * The servers as containers, by the docker-compose.yml of this package: a Spark cluster with a master and two workers,
 * and what the embedded stack has. Containers outlive the command that starts them.
 */
import { existsSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import path from "node:path";
import { EnvironmentError, JobError, UsageError } from "../../errors.ts";
import { recordsIn } from "../../platform/kafka.ts";
import { kafkaAnswers } from "../../platform/kafka-admin.ts";
import { waitingFor, withLock } from "../../platform/lock.ts";
import { followed, type LogOptions } from "../../platform/logs.ts";
import { type Progress, type Step, silent } from "../../platform/progress.ts";
import { redisAnswers } from "../../platform/redis.ts";
import { below, type Storage } from "../../platform/storage.ts";
import { succeeds, waitFor } from "../../platform/waits.ts";
import {
  type Capture,
  connectorCaughtUp,
  connectorIsUp,
  connectorState,
  createTableTopics,
  postgresAnswers,
  prepareShop,
  startConnector,
} from "../connector.ts";
import type { Home } from "../home.ts";
import { checkPort, choosePorts, claimPort } from "../project-ports.ts";
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
import { claimStateFolder, removeEmpty, removeGitignore, removeWhole } from "../state-folder.ts";
import { BATCH_RECORDS, jvmOptions } from "../tuning.ts";
import { Compose, type Container, sparkImage } from "./compose.ts";
import { type ComposeCommand, docker, findEngine, reasonIn, requireEngine } from "./engine.ts";
import {
  type ComposeState,
  inCompose,
  loadState,
  newState,
  PORTS,
  type PortName,
  saveState,
  secretOf,
} from "./state.ts";
import { copyFolder, removeFrom, type Volume } from "./volume.ts";

const SERVICES = [
  ...["postgres", "kafka", "connect", "redis"],
  ...["spark-master", "spark-worker-1", "spark-worker-2"],
] as const;

/** Without these nothing can be read or verified; a worker may be missing. */
const NEEDED = ["postgres", "kafka", "connect", "redis"];

const PORT_OF: Record<string, PortName> = {
  postgres: "postgres",
  kafka: "kafka",
  connect: "connect",
  redis: "redis",
  "spark-master": "spark",
};

const DRIVER_MIB = 640;
const EXECUTOR_MIB = 512;

const START_TIMEOUT_MS = 180_000;
const UP_LOCK_TIMEOUT_MS = 30 * 60_000;

/** Where jobs keep things, in containers. */
const PLACES = {
  offline: "/data/features",
  checkpoints: "/data/checkpoints",
  deadLetters: "/data/dead-letters",
};

export class ComposeStack implements Stack {
  readonly target = "compose";
  readonly topicPrefix = TOPIC_PREFIX;
  readonly hasShop = true;
  readonly modes = ["micro-batch"] as const;
  readonly stateDir: string;
  readonly #home: Home;
  #engine: Promise<ComposeCommand> | undefined;

  constructor(home: Home) {
    this.#home = home;
    this.stateDir = path.join(home.state, "compose");
  }

  async up(progress: Progress, options: { newPorts: boolean }): Promise<OwnEndpoints> {
    await this.#requireEngine();
    await claimStateFolder(this.#home);
    return this.#locked("cdc-features up", progress, async () => {
      await claimStateFolder(this.#home);
      const state = (await loadState(this.stateDir)) ?? (await newState(this.stateDir, this.#home.projectId));
      if (options.newPorts) state.ports = await choosePorts(this.stateDir, PORTS);
      await saveState(this.stateDir, state);
      const compose = await this.#composeOf(state);
      await claimPorts(state, await compose.containers());
      await progress.step("containers", (step) => startContainers(compose, step));
      const endpoints = await this.#endpointsOf(state);
      await this.#startCapture(endpoints, progress);
      for (const folder of [endpoints.offline, inCompose.tmp(this.stateDir)])
        await mkdir(folder, { recursive: true });
      return endpoints;
    });
  }

  async endpoints(): Promise<OwnEndpoints> {
    const state = await loadState(this.stateDir);
    const running = new Set((await this.#containers(state)).filter(isUp).map(({ service }) => service));
    const stopped = NEEDED.filter((name) => !running.has(name));
    if (state === undefined || stopped.length > 0) {
      throw new EnvironmentError(`not running here: ${stopped.join(", ")}`, {
        hint: "Start the stack with `cdc-features up`.",
      });
    }
    return this.#endpointsOf(state);
  }

  async storage(): Promise<Storage> {
    const volume = volumeOf(await this.#known());
    const inVolume = (place: string) => path.posix.relative("/data", place);
    return {
      places: PLACES,
      fetch: (folder) =>
        copyFolder(
          volume,
          inVolume(below(PLACES.offline, folder)),
          path.join(inCompose.offline(this.stateDir), folder),
        ),
      remove: (...places) => removeFrom(volume, places),
    };
  }

  async spark({ featureSet, topic, continuous, conf }: SparkRun): Promise<SparkRuntime> {
    const state = await this.#known();
    const { kafka } = await this.#endpointsOf(state);
    const load = { continuous, records: await recordsIn({ kafka, topic }) };
    const jvm = (heapMiB: number) => jvmOptions(load, heapMiB).join(" ");
    const compose = await this.#composeOf(state);
    const redis = await secretOf(this.stateDir, "redis-password");
    const name = `${state.project}-job-${featureSet}`;
    return {
      command: compose.line("run", "--rm", "-T", "--no-deps", "--name", name, "spark-submit"),
      servers: {
        kafka: { brokers: "kafka:9092" },
        redis: { url: `redis://:${redis}@redis:6379/0` },
      },
      master: "spark://spark-master:7077",
      env: compose.env,
      options: ["--jars", "/job/cdc_features/records.jar"],
      driver: { kind: "container", inbox: "/job" },
      // Executors have half a gigabyte.
      batchRecords: BATCH_RECORDS / 4,
      // One whose command was killed ends by itself, after its batch; nobody reads what it says any more.
      clear: async () => {
        await docker(["rm", "--force", name]).catch(() => "");
      },
      secrets: [redis],
      conf: {
        "spark.driver.memory": `${DRIVER_MIB}m`,
        "spark.driver.extraJavaOptions": jvm(DRIVER_MIB),
        "spark.executor.memory": `${EXECUTOR_MIB}m`,
        "spark.executor.extraJavaOptions": jvm(EXECUTOR_MIB),
        // An executor on each worker; a second job waits until they are free.
        "spark.executor.cores": "1",
        "spark.cores.max": "2",
        "spark.sql.shuffle.partitions": "2",
        ...conf,
      },
    };
  }

  async captureCaughtUp(timeoutMs: number): Promise<void> {
    const endpoints = await this.endpoints();
    await createTableTopics(endpoints);
    await connectorCaughtUp(await this.#capture(endpoints), timeoutMs);
  }

  async memory(): Promise<StackMemory> {
    return (await loadState(this.stateDir))?.memory ?? {};
  }

  async remember(memory: StackMemory): Promise<void> {
    await this.#locked("cdc-features", silent, async () => {
      const state = await loadState(this.stateDir);
      if (state !== undefined)
        await saveState(this.stateDir, { ...state, memory: { ...state.memory, ...memory } });
    });
  }

  async status(): Promise<ServerStatus[]> {
    const state = await loadState(this.stateDir);
    const containers = new Map((await this.#containers(state)).map((one) => [one.service, one]));
    return Promise.all(
      SERVICES.map(async (name) => {
        const container = containers.get(name);
        const port = PORT_OF[name];
        return {
          name,
          state: stateOf(container),
          pid: undefined,
          port: port === undefined ? undefined : state?.ports[port],
          log: `docker logs of ${state?.project ?? "nothing yet"}`,
          detail: await this.#detail(container, state),
        } satisfies ServerStatus;
      }),
    );
  }

  async log(name: string, { lines, follow }: LogOptions, print: (text: string) => void): Promise<void> {
    if (!SERVICES.includes(name as (typeof SERVICES)[number])) {
      throw new UsageError(`no server named ${name}`, { hint: `There are: ${SERVICES.join(", ")}` });
    }
    const compose = await this.#composeOf(await this.#known());
    const args = ["logs", "--no-color", "--tail", String(lines)];
    if (follow === undefined) {
      print((await compose.must([...args, name], `the log of ${name}`)).trimEnd());
      return;
    }
    const [program, ...rest] = compose.line(...args, "--follow", name);
    await followed(program, rest, follow, compose.env);
  }

  async down(progress: Progress, options: { purge: boolean }): Promise<void> {
    if (!existsSync(this.stateDir)) return;
    await this.#locked("cdc-features down", progress, async () => {
      const state = await loadState(this.stateDir);
      if (state !== undefined) {
        const compose = await this.#composeOf(state);
        await progress.step("stopping jobs", () => compose.stopJobs());
        const args = ["down", "--remove-orphans", "--timeout", "20", ...(options.purge ? ["--volumes"] : [])];
        await progress.step(options.purge ? "removing containers and volumes" : "stopping containers", () =>
          compose.must(args, "stopping the containers"),
        );
      }
    });
    if (!options.purge) return;
    await removeWhole(this.stateDir);
    await removeGitignore(this.#home);
    await removeEmpty(this.#home.state);
  }

  async doctor(): Promise<Check[]> {
    const { checks } = await findEngine();
    const state = await loadState(this.stateDir);
    if (state === undefined || checks.some(({ ok }) => !ok)) return checks;
    const running = (await this.#containers(state)).filter(isUp).map(({ service }) => service);
    for (const [service, port] of Object.entries(PORT_OF)) {
      checks.push(await checkPort(service, state.ports[port], running.includes(service)));
    }
    return checks;
  }

  async #known(): Promise<ComposeState> {
    const state = await loadState(this.stateDir);
    if (state !== undefined) return state;
    throw new EnvironmentError("the stack is not set up here", {
      hint: "Run `cdc-features up`.",
    });
  }

  /** It is looked for once: that takes some programs a while. */
  #requireEngine(): Promise<ComposeCommand> {
    this.#engine ??= requireEngine();
    return this.#engine;
  }

  async #composeOf(state: ComposeState): Promise<Compose> {
    return new Compose(await this.#requireEngine(), this.stateDir, state);
  }

  async #containers(state: ComposeState | undefined): Promise<Container[]> {
    if (state === undefined) return [];
    return (await this.#composeOf(state)).containers();
  }

  async #endpointsOf({ ports }: ComposeState): Promise<OwnEndpoints> {
    const [postgres, redis] = await Promise.all([
      secretOf(this.stateDir, "postgres-password"),
      secretOf(this.stateDir, "redis-password"),
    ]);
    return {
      postgres: `postgres://cdc:${postgres}@127.0.0.1:${ports.postgres}/shop`,
      kafka: { brokers: `127.0.0.1:${ports.kafka}` },
      connect: `http://127.0.0.1:${ports.connect}`,
      redis: { url: `redis://:${redis}@127.0.0.1:${ports.redis}/0` },
      offline: inCompose.offline(this.stateDir),
    };
  }

  async #startCapture(endpoints: OwnEndpoints, progress: Progress): Promise<void> {
    const { postgres, kafka, redis, connect } = endpoints;
    await progress.step("servers answer", async (step) => {
      const probes: [string, () => Promise<boolean>][] = [
        ["postgres", () => postgresAnswers(postgres)],
        ["kafka", () => kafkaAnswers(kafka)],
        ["redis", () => redisAnswers(redis)],
        ["connect", () => succeeds(async () => (await fetch(`${connect}/connectors`)).json())],
      ];
      for (const [name, answers] of probes) {
        step.update(name);
        const hint = `See \`cdc-features logs ${name}\`.`;
        await waitFor(
          { what: `${name} to answer`, timeoutMs: START_TIMEOUT_MS, hint, intervalMs: 200 },
          async () => ((await answers()) ? true : undefined),
        );
      }
    });
    await prepareShop(postgres);
    await createTableTopics(endpoints);
    const capture = await this.#capture(endpoints);
    if (await connectorIsUp(capture)) return;
    await progress.step("Debezium connector", () => startConnector(capture, START_TIMEOUT_MS));
  }

  async #capture({ connect, postgres }: OwnEndpoints): Promise<Capture> {
    // Connect reads the password itself, from the secret's file.
    const password = ["$", "{directory:/run/secrets:postgres-password}"].join("");
    return { connect, postgres, asConnectSeesIt: { host: "postgres", port: 5432, password } };
  }

  async #detail(
    container: Container | undefined,
    state: ComposeState | undefined,
  ): Promise<string | undefined> {
    if (container === undefined || state === undefined) return undefined;
    if (container.service !== "connect" || !isUp(container)) return container.status;
    const { connect } = await this.#endpointsOf(state);
    const connector = await connectorState(connect).catch(() => undefined);
    if (connector === undefined) return `${container.status}, does not answer`;
    return connector.failure ?? `${container.status}, connector ${connector.running ? "" : "not "}running`;
  }

  /** One command at a time starts or stops containers. */
  #locked<T>(purpose: string, progress: Progress, work: () => Promise<T>): Promise<T> {
    return withLock(inCompose.lock(this.stateDir), purpose, UP_LOCK_TIMEOUT_MS, work, (holder) =>
      progress.note(waitingFor(holder)),
    );
  }
}

function volumeOf({ project }: ComposeState): Volume {
  return { name: `${project}_data`, image: sparkImage() };
}

/** A port that somebody else has taken would only show as a container that does not start. */
async function claimPorts({ ports }: ComposeState, containers: Container[]): Promise<void> {
  for (const [service, port] of Object.entries(PORT_OF)) {
    const isOurs = containers.some((one) => one.service === service && isUp(one));
    if (!isOurs) await claimPort(service, ports[port]);
  }
}

async function startContainers(compose: Compose, step: Step): Promise<void> {
  step.update("building the Spark image, pulling the others (some minutes, once)");
  const result = await compose.run(["up", "--detach", "--build", "--remove-orphans", ...SERVICES]);
  if (!result.ok) {
    throw new JobError(`the containers did not start:\n${reasonIn(result)}`, {
      hint: "See `cdc-features status` and `cdc-features doctor`.",
    });
  }
  step.update("waiting until all are healthy");
  await waitFor(
    {
      what: "all containers to be healthy",
      timeoutMs: START_TIMEOUT_MS,
      intervalMs: 500,
      hint: "See `cdc-features status`.",
    },
    async () => {
      const containers = await compose.containers();
      const waiting = SERVICES.filter(
        (name) => !containers.some(({ service, status }) => service === name && /\(healthy\)/.test(status)),
      );
      if (waiting.length === 0) return true;
      step.update(`waiting for ${waiting.join(", ")}`);
      return undefined;
    },
  );
}

function isUp({ state }: Container): boolean {
  return state === "running";
}

function stateOf(container: Container | undefined): ServerStatus["state"] {
  if (container === undefined || /^Exited \((0|143)\)|^Created/.test(container.status)) return "stopped";
  return isUp(container) && !container.status.includes("(unhealthy)") ? "running" : "crashed";
}
