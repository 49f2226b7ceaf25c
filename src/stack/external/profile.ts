/**
 * The profile of `--target external`: one's own Kafka, Redis, Spark and storage. It may be committed: every secret in it is
 * the name of an environment variable or a file.
 */
import { readFileSync } from "node:fs";
import path from "node:path";
import { z } from "zod";
import { readYaml, type YamlSource } from "../../definition/yaml-source.ts";
import { UsageError } from "../../errors.ts";
import type { KafkaConnection, RedisConnection, Tls } from "../../platform/connections.ts";
import { pkcs8 } from "../../platform/kafka-properties.ts";
import { isUri } from "../../platform/storage.ts";

const hostPort = z.string().regex(/^[^\s/@,]+:\d{1,5}$/, "expected host:port");
const text = z.string().min(1);
const secret = z.union([z.strictObject({ env: text }), z.strictObject({ file: text })], {
  error: "expected `{ env: NAME }` or `{ file: PATH }`: a secret does not stand in a profile",
});
const tls = z.strictObject({ ca: text.optional(), certificate: text.optional(), key: text.optional() });
const hasNoCredentials = (uri: string) => !/:\/\/[^/]*@/.test(uri);
/** A path from the root, or a URI. */
const place = z
  .string()
  .regex(/^(\/|[a-z][a-z0-9+.-]*:\/\/)/i, "expected an absolute path or a URI such as s3a://bucket/folder")
  // As everything on this machine names it.
  .transform((value) => value.replace(/^file:\/\/(?=\/)/, ""))
  .refine(hasNoCredentials, "credentials do not stand in a URI: see spark.conf");
const scalar = z.union([z.string(), z.number(), z.boolean()]).transform(String);
const master = z
  .string()
  .regex(
    /^(local(\[[^\]]+\])?|yarn|spark:\/\/\S+|k8s:\/\/\S+)$/,
    "expected local[N], spark://host:port, yarn or k8s://https://host:port",
  );
const deployMode = z.enum(["client", "cluster"]);

/** Options of spark-submit that would replace ours, and where what they say belongs. */
const OWN_OPTIONS: Record<string, string> = {
  "--master": "spark.master",
  "--deploy-mode": "spark.deploy_mode",
  "--class": "the rendered job, which is always what is run",
  "--name": "the feature set's name",
  "--jars": "spark.jars",
  "--packages": "spark.packages",
  "--files": "spark.conf: spark.files",
  "--py-files": "spark.conf: spark.submit.pyFiles",
  "--archives": "spark.conf: spark.archives",
  "--properties-file": "spark.conf, or spark.home with its spark-defaults.conf",
};

const profileSchema = z.strictObject({
  kafka: z.strictObject({
    brokers: z.array(hostPort).min(1),
    /** Debezium's `topic.prefix` */
    topic_prefix: text,
    /** Begins the names of the consumer groups that `verify` reads with. */
    group_prefix: text.optional(),
    sasl: z
      .strictObject({
        mechanism: z.enum(["plain", "scram-sha-256", "scram-sha-512"]),
        username: text,
        password: secret,
      })
      .optional(),
    tls: tls.optional(),
  }),
  redis: z.strictObject({
    /** One, or some nodes of a cluster */
    nodes: z.array(hostPort).min(1),
    cluster: z.boolean().default(false),
    database: z.number().int().min(0).default(0),
    username: text.optional(),
    password: secret.optional(),
    tls: z.strictObject({ ca: text.optional() }).optional(),
  }),
  postgres: z
    .strictObject({
      host: hostPort,
      database: text,
      username: text,
      password: secret.optional(),
      /** Debezium's replication slot; with it commands wait until it has caught up. */
      slot: text.optional(),
      tls: z.strictObject({ ca: text.optional() }).optional(),
    })
    .optional(),
  connect: z
    .url({ protocol: /^https?$/ })
    .refine(hasNoCredentials, "credentials do not stand in a profile")
    .optional(),
  spark: z.strictObject({
    master,
    deploy_mode: deployMode.default("client"),
    /** A Spark 4.1 of one's own; else the one in the cache. */
    home: text.optional(),
    /** How executors, and in cluster mode the driver, find Python with the packages of a job. */
    python: z
      .union([z.strictObject({ executable: text }), z.strictObject({ archive: text })])
      .default({ archive: "packed" }),
    packages: z.array(text).default([]),
    jars: z.array(text).default([]),
    conf: z
      .record(z.string(), z.union([scalar, secret]))
      .refine(
        (conf) =>
          !Object.entries(conf).some(
            ([name, value]) => name.endsWith("JavaOptions") && typeof value === "object",
          ),
        "Spark puts Java options among the arguments of processes, where everybody on a machine sees them: no secret there",
      )
      .default({}),
    /** More arguments of spark-submit, such as `--queue` and its value. */
    options: z
      .array(
        scalar.superRefine((option, context) => {
          const place = OWN_OPTIONS[option.split("=")[0] ?? ""];
          if (place !== undefined) context.addIssue(`${option} is set already: see ${place}`);
        }),
      )
      .default([]),
    /** More environment of spark-submit, such as HADOOP_CONF_DIR. */
    env: z.record(z.string(), scalar).default({}),
  }),
  storage: z.strictObject({ offline: place, checkpoints: place, dead_letters: place }),
});

type Written = z.output<typeof profileSchema>;

export interface Profile {
  /** Absolute path. */
  file: string;
  kafka: KafkaConnection;
  topicPrefix: string;
  redis: RedisConnection;
  postgres: { url: string; slot: string | undefined } | undefined;
  connect: string | undefined;
  spark: Omit<Written["spark"], "conf"> & { conf: Record<string, string>; secretConf: string[] };
  places: { offline: string; checkpoints: string; deadLetters: string };
  /** Every secret in it, to be kept out of whatever is shown. */
  secrets: string[];
}

/** What a command line may say instead of the profile. */
export interface Override {
  master?: string;
  deployMode?: string;
}

/** Throws UsageError with file:line:column of everything that is wrong, or the secret that is not there. */
export function readProfile(file: string, env: NodeJS.ProcessEnv, override: Override = {}): Profile {
  const source = readYaml(contentOf(file, "profile"));
  const problems = source.problems.map(
    ({ line, column, message }) => `${file}:${line}:${column}: ${message}`,
  );
  if (problems.length > 0 || source.data === undefined) throw wrong(problems);
  const parsed = profileSchema.safeParse(source.data, { reportInput: false });
  if (!parsed.success) throw wrong(parsed.error.issues.map((issue) => problemText(issue, source, file)));
  const { data } = parsed;
  return new ProfileReader(file, env).profile({ ...data, spark: { ...data.spark, ...overriding(override) } });
}

function overriding({ master: url, deployMode: mode }: Override): Partial<Written["spark"]> {
  return {
    ...(url !== undefined && { master: chosen(master, url, "--master") }),
    ...(mode !== undefined && { deploy_mode: chosen(deployMode, mode, "--deploy-mode") }),
  };
}

function chosen<T>(schema: z.ZodType<T>, value: string, option: string): T {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new UsageError(`${option} ${value}: ${parsed.error.issues[0]?.message}`, {
    hint: "See docs/clusters.md.",
  });
}

function contentOf(file: string, what: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    throw new UsageError(`the ${what} ${file} cannot be read: ${(error as Error).message}`, {
      hint: "docs/clusters.md has an example of a profile, and explains it.",
    });
  }
}

function wrong(problems: string[]): UsageError {
  const count = problems.length === 1 ? "1 problem" : `${problems.length} problems`;
  return new UsageError(`${count} in the profile\n${problems.join("\n")}`, { hint: "See docs/clusters.md." });
}

function problemText(issue: z.core.$ZodIssue, source: YamlSource, file: string): string {
  const keys = issue.code === "unrecognized_keys" ? issue.keys : [];
  const at = [...issue.path, ...keys.slice(0, 1)].map((step) => (typeof step === "symbol" ? "" : step));
  const { line, column } = source.placeOf({ path: at, atKey: keys.length > 0 });
  return `${file}:${line}:${column}: ${at.join(".") || "the profile"}: ${issue.message}`;
}

class ProfileReader {
  readonly #file: string;
  readonly #env: NodeJS.ProcessEnv;
  readonly #secrets: string[] = [];

  constructor(file: string, env: NodeJS.ProcessEnv) {
    this.#file = file;
    this.#env = env;
  }

  profile({ kafka, redis, postgres, connect, spark, storage }: Written): Profile {
    const { mechanism, username } = kafka.sasl ?? {};
    const conf = Object.entries(spark.conf).map(([key, value]) => [
      key,
      typeof value === "string" ? value : this.#secret(value, `spark.conf.${key}`),
    ]);
    const read = {
      file: path.resolve(this.#file),
      kafka: {
        brokers: kafka.brokers.join(","),
        ...(kafka.group_prefix !== undefined && { groupPrefix: kafka.group_prefix }),
        ...(kafka.tls !== undefined && { tls: this.#tls(kafka.tls) }),
        ...(mechanism !== undefined &&
          username !== undefined && {
            sasl: {
              mechanism,
              username,
              password: this.#secret(kafka.sasl?.password, "kafka.sasl.password"),
            },
          }),
      },
      topicPrefix: kafka.topic_prefix,
      redis: this.#redis(redis),
      postgres: postgres && { url: this.#postgres(postgres), slot: postgres.slot },
      connect,
      spark: {
        ...spark,
        jars: spark.jars.map((jar) => this.#pathOrUri(jar)),
        python:
          "archive" in spark.python && spark.python.archive !== "packed"
            ? { archive: this.#pathOrUri(spark.python.archive) }
            : spark.python,
        conf: Object.fromEntries(conf),
        secretConf: Object.keys(spark.conf).filter((key) => typeof spark.conf[key] === "object"),
      },
      places: {
        offline: storage.offline,
        checkpoints: storage.checkpoints,
        deadLetters: storage.dead_letters,
      },
    };
    return { ...read, secrets: this.#secrets };
  }

  #redis({ nodes, cluster, database, username, password, tls }: Written["redis"]): RedisConnection {
    const url = new URL(`${tls === undefined ? "redis" : "rediss"}://${nodes[0]}/${database}`);
    if (username !== undefined) url.username = encodeURIComponent(username);
    if (password !== undefined) url.password = encodeURIComponent(this.#secret(password, "redis.password"));
    return { url: url.href, cluster, nodes: nodes.slice(1), ca: tls?.ca && this.#pem(tls.ca) };
  }

  #postgres({ host, database, username, password, tls }: NonNullable<Written["postgres"]>): string {
    const url = new URL(`postgres://${host}/${encodeURIComponent(database)}`);
    url.username = encodeURIComponent(username);
    if (password !== undefined)
      url.password = encodeURIComponent(this.#secret(password, "postgres.password"));
    if (tls !== undefined) url.searchParams.set("sslmode", "verify-full");
    if (tls?.ca !== undefined) url.searchParams.set("sslrootcert", this.#path(tls.ca));
    return url.href;
  }

  #tls({ ca, certificate, key }: NonNullable<Written["kafka"]["tls"]>): Tls {
    if ((certificate === undefined) !== (key === undefined))
      throw wrong([`${this.#file}: kafka.tls: a certificate comes with its key`]);
    return {
      ca: ca && this.#pem(ca),
      ...(certificate !== undefined &&
        key !== undefined && { client: { certificate: this.#pem(certificate), key: this.#key(key) } }),
    };
  }

  #secret(source: z.output<typeof secret> | undefined, at: string): string {
    const value = source === undefined ? "" : this.#secretValue(source, at);
    // Passwords are in URLs by other letters.
    if (value !== "") this.#secrets.push(...new Set([value, encodeURIComponent(value)]));
    return value;
  }

  #secretValue(source: z.output<typeof secret>, at: string): string {
    if ("file" in source) return contentOf(this.#path(source.file), `secret ${at}`).replace(/\r?\n$/, "");
    const value = this.#env[source.env];
    if (value) return value;
    throw new UsageError(`${this.#file}: ${at}: the environment variable ${source.env} is not set`, {
      hint: `export ${source.env}=…, or let the profile name a file: \`{ file: PATH }\`.`,
    });
  }

  #pem(file: string): string {
    const pem = contentOf(this.#path(file), "certificate");
    if (!pem.includes("-----BEGIN ")) throw wrong([`${this.#file}: ${file} is not in PEM`]);
    return pem;
  }

  /** As the file has it, and as the job is told it: neither is shown, as a whole or by the line. */
  #key(file: string): string {
    const pem = this.#pem(file);
    const key = pkcs8(pem);
    const bodies = [pem, key].map((one) => one.replace(/-----[^-]+-----/g, "").trim());
    this.#secrets.push(
      ...bodies,
      ...bodies.flatMap((body) => body.split(/\s+/).filter((line) => line.length > 8)),
    );
    return key;
  }

  #pathOrUri(file: string): string {
    return isUri(file) ? file : this.#path(file);
  }

  /** As seen from the profile. */
  #path(file: string): string {
    return path.resolve(path.dirname(this.#file), file);
  }
}
