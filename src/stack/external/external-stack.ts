/** Servers of one's own, as a profile names them. Nothing is started here but jobs, and nothing stopped. */
import { existsSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import net from "node:net";
import path from "node:path";
import { CdcFeaturesError, EnvironmentError, UsageError } from "../../errors.ts";
import { writeFileAtomic } from "../../platform/files.ts";
import { requireKafka } from "../../platform/kafka.ts";
import { withPostgres } from "../../platform/postgres.ts";
import { runCommand } from "../../platform/processes.ts";
import { type Progress, silent } from "../../platform/progress.ts";
import { withRedis } from "../../platform/redis.ts";
import type { Storage } from "../../platform/storage.ts";
import { connectorCaughtUp, connectorState } from "../connector.ts";
import { type Home, PACKAGE_ROOT } from "../home.ts";
import { connectorJars } from "../setup/jars.ts";
import { jvmEnvironment, withoutSpark } from "../setup/java.ts";
import { packedPython } from "../setup/packed-python.ts";
import { checkPrerequisites } from "../setup/prerequisites.ts";
import { installSpark } from "../setup/spark.ts";
import type { Check, Endpoints, ServerStatus, SparkRun, SparkRuntime, Stack, StackMemory } from "../stack.ts";
import { claimStateFolder, removeEmpty, removeGitignore, removeWhole } from "../state-folder.ts";
import { isLocal, storageOf } from "./hadoop-storage.ts";
import type { Profile } from "./profile.ts";
import { propertiesText, type Submitting, sparkProperties, sparkRuntimeOf } from "./spark-command.ts";

/** Of a submission what is the same for all jobs. */
type Installed = Pick<Submitting, "installation" | "archive" | "connector">;

interface Server {
  name: string;
  address: string;
  /** Throws what keeps it from answering. */
  ask(): Promise<unknown>;
}

export class ExternalStack implements Stack {
  readonly target = "external";
  readonly hasShop = false;
  readonly modes = ["micro-batch"] as const;
  readonly topicPrefix: string;
  readonly stateDir: string;
  readonly #home: Home;
  readonly #profile: Profile;
  #installed: Promise<Installed> | undefined;

  constructor(home: Home, profile: Profile) {
    this.#home = home;
    this.#profile = profile;
    this.topicPrefix = profile.topicPrefix;
    this.stateDir = path.join(home.state, "external", stateName(home, profile));
  }

  async up(progress: Progress): Promise<Endpoints> {
    await claimStateFolder(this.#home);
    const endpoints = await this.endpoints();
    await this.#setUp(progress);
    await progress.step("servers answer", async (step) => {
      for (const { name, ask } of this.#servers()) {
        step.update(name);
        await ask();
      }
    });
    for (const folder of [endpoints.offline, this.#tmp]) await mkdir(folder, { recursive: true });
    return endpoints;
  }

  /** They are where the profile says, whether they answer or not. */
  async endpoints(): Promise<Endpoints> {
    const { kafka, redis, postgres, connect, places } = this.#profile;
    return {
      kafka,
      redis,
      postgres: postgres?.url,
      connect,
      offline: isLocal(places.offline) ? places.offline : this.#mirror,
    };
  }

  async storage(): Promise<Storage> {
    // Before anything is written: what a run keeps has passwords in it, and is not for a repository.
    await claimStateFolder(this.#home);
    return storageOf({
      places: this.#profile.places,
      mirror: this.#mirror,
      tmp: this.#tmp,
      spark: () => this.#runtime("storage", this.#tmp),
    });
  }

  async spark({ featureSet, conf }: SparkRun): Promise<SparkRuntime> {
    return this.#runtime(featureSet, path.join(this.stateDir, "runs", featureSet), conf);
  }

  /** `folder` takes Spark's properties. */
  async #runtime(
    featureSet: string,
    folder: string,
    conf: Record<string, string> = {},
  ): Promise<SparkRuntime> {
    const { spark } = this.#profile;
    const submitting = {
      ...(await this.#setUp(silent)),
      profile: { ...this.#profile, spark: { ...spark, conf: { ...spark.conf, ...conf } } },
      propertiesFile: path.join(folder, "spark.properties"),
      libraryZip: path.join(folder, "cdc_features.zip"),
      featureSet,
    };
    const runtime = sparkRuntimeOf(submitting, withoutSpark(jvmEnvironment()));
    await writeFileAtomic(submitting.propertiesFile, propertiesText(sparkProperties(submitting)), 0o600);
    if (runtime.driver.kind === "uploaded") await writeLibraryZip(submitting);
    return runtime;
  }

  async captureCaughtUp(timeoutMs: number): Promise<void> {
    const { postgres, connect } = this.#profile;
    if (postgres?.slot === undefined) return;
    await connectorCaughtUp(
      { postgres: postgres.url, slot: postgres.slot, connect: undefined },
      timeoutMs,
    ).catch(async (error: unknown) => {
      if (!(error instanceof CdcFeaturesError)) {
        throw new EnvironmentError(`Postgres does not tell how far Debezium is: ${messageOf(error)}`, {
          hint: "postgres.host of the profile is the server that Debezium reads, with a user who may read pg_replication_slots; without postgres.slot nothing is waited for.",
        });
      }
      const said = connect === undefined ? undefined : await connectorState(connect).catch(() => undefined);
      if (said?.failure !== undefined)
        throw new EnvironmentError(`${error.message}; the connector failed: ${said.failure}`);
      throw error;
    });
  }

  async memory(): Promise<StackMemory> {
    return { demoData: "declined" };
  }

  async remember(): Promise<void> {}

  async status(): Promise<ServerStatus[]> {
    return Promise.all(
      this.#servers().map(async ({ name, address, ask }) => {
        const problem = await ask().then(
          () => undefined,
          (error: unknown) => messageOf(error),
        );
        const port = Number(/:(\d+)$/.exec(address)?.[1]) || undefined;
        return {
          name,
          state: problem === undefined ? "running" : "crashed",
          pid: undefined,
          port,
          log: "",
          detail: problem ?? address,
        } satisfies ServerStatus;
      }),
    );
  }

  async log(name: string): Promise<void> {
    throw new UsageError(`the target external keeps no log of ${name}`, {
      hint: "Its servers are your own. `logs SET` shows the last run of a feature set.",
    });
  }

  async down(_progress: Progress, { purge }: { purge: boolean }): Promise<void> {
    if (!purge) return;
    // What this machine knows of the runs, and no more: stores and checkpoints are the user's own.
    await removeWhole(this.stateDir);
    await removeEmpty(path.dirname(this.stateDir));
    await removeGitignore(this.#home);
    await removeEmpty(this.#home.state);
  }

  async doctor(): Promise<Check[]> {
    const checks = await checkPrerequisites(process.env);
    const { spark } = this.#profile;
    if (spark.home !== undefined) {
      const program = path.join(spark.home, "bin", "spark-submit");
      const ok = existsSync(program);
      const hint = ok ? undefined : "Let spark.home of the profile name the folder of a Spark 4.1.";
      checks.push({ name: "spark-submit", ok, found: ok ? program : `no ${program}`, hint });
    }
    for (const { name, address, ask } of this.#servers()) {
      checks.push(
        await ask().then(
          () => ({ name, ok: true, found: address, hint: undefined }),
          (error: unknown) => ({
            name,
            ok: false,
            found: messageOf(error),
            hint: (error instanceof CdcFeaturesError ? error.hint : undefined) ?? "See the profile.",
          }),
        ),
      );
    }
    return checks;
  }

  #servers(): Server[] {
    const { kafka, redis, postgres, connect, spark } = this.#profile;
    const [, host, port] = /^spark:\/\/([^:,/]+):(\d+)/.exec(spark.master) ?? [];
    return [
      { name: "kafka", address: kafka.brokers, ask: () => requireKafka(kafka) },
      {
        name: "redis",
        address: new URL(redis.url).host,
        ask: () => withRedis(redis, (client) => client.ping()),
      },
      ...(postgres === undefined
        ? []
        : [
            {
              name: "postgres",
              address: new URL(postgres.url).host,
              ask: () => withPostgres(postgres.url, (client) => client.query("SELECT 1")),
            },
          ]),
      ...(connect === undefined
        ? []
        : [{ name: "connect", address: new URL(connect).host, ask: () => answers(connect) }]),
      ...(host === undefined || port === undefined
        ? []
        : [{ name: "spark master", address: `${host}:${port}`, ask: () => listens(host, Number(port)) }]),
    ];
  }

  /** The driver's own Spark, and what travels; once for all jobs of a command. */
  #setUp(progress: Progress): Promise<Installed> {
    this.#installed ??= this.#install(progress);
    return this.#installed;
  }

  async #install(progress: Progress): Promise<Installed> {
    const installation = await installSpark(this.#home, progress);
    const { spark } = this.#profile;
    const isHere = spark.master.startsWith("local");
    const archive = "archive" in spark.python && !isHere ? spark.python.archive : undefined;
    const python = path.join(installation.venv, "bin", "python");
    return {
      installation,
      archive: archive === "packed" ? await packedPython(this.#home, python, progress) : archive,
      connector: await connectorJars(installation.jars),
    };
  }

  get #mirror(): string {
    return path.join(this.stateDir, "features");
  }

  get #tmp(): string {
    return path.join(this.stateDir, "tmp");
  }
}

/** State of different profiles is kept apart, and stays a profile's own when the project moves. */
function stateName({ state }: Home, { file }: Profile): string {
  return encodeURIComponent(path.relative(path.dirname(state), file).replace(/\.yaml$/, ""));
}

/** Made anew each time: it is small, and may have changed. */
async function writeLibraryZip({ libraryZip: file, installation: { venv } }: Submitting): Promise<void> {
  const made = await runCommand(
    path.join(venv, "bin", "python"),
    ["-m", "zipfile", "-c", file, "cdc_features"],
    { cwd: path.join(PACKAGE_ROOT, "spark-jobs") },
  );
  if (!made.ok) throw new EnvironmentError(`could not write ${file}: ${made.stderr}`);
}

async function answers(connect: string): Promise<void> {
  const url = new URL("connectors", connect.endsWith("/") ? connect : `${connect}/`);
  const response = await fetch(url).catch((cause: Error) => {
    throw new EnvironmentError(`cannot reach Kafka Connect at ${url.host}: ${cause.message}`);
  });
  if (!response.ok) throw new EnvironmentError(`Kafka Connect at ${url.host} answers ${response.status}`);
}

function listens(host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = net.connect({ host, port, timeout: 5_000 });
    const fail = (why: string) => {
      socket.destroy();
      reject(
        new EnvironmentError(`cannot reach Spark's master at ${host}:${port}: ${why}`, {
          hint: "Is it running, and spark.master of the profile right?",
        }),
      );
    };
    socket.once("connect", () => {
      socket.destroy();
      resolve();
    });
    socket.once("timeout", () => fail("no answer in 5 s"));
    socket.once("error", (error) => fail(error.message));
  });
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
