/** Profiles of the target external: what they may say, and where they are wrong. */
import { generateKeyPairSync } from "node:crypto";
import { writeFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import type { CdcFeaturesError } from "../../../src/errors.ts";
import { withoutSecrets } from "../../../src/platform/secrets.ts";
import { type Override, type Profile, readProfile } from "../../../src/stack/external/profile.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";

const REST = `
spark:
  master: yarn
storage: { offline: "hdfs://n/features", checkpoints: "hdfs://n/checkpoints", dead_letters: "file:///dead" }
`;
const SMALL = `
kafka: { brokers: ["k1:9092", "k2:9092"], topic_prefix: shop }
redis: { nodes: ["r1:6379"] }
${REST}`;
const PEM = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n";

function profileOf(
  text: string,
  env: NodeJS.ProcessEnv = {},
  files: Record<string, string> = {},
  override: Override = {},
): Profile {
  const folder = temporaryFolder();
  for (const [name, content] of Object.entries(files)) writeFileSync(path.join(folder, name), content);
  writeFileSync(path.join(folder, "production.yaml"), text);
  return readProfile(path.join(folder, "production.yaml"), env, override);
}

function problems(text: string, env: NodeJS.ProcessEnv = {}): string {
  try {
    profileOf(text, env);
  } catch (error) {
    const { message, exitCode } = error as CdcFeaturesError;
    expect(exitCode).toBe(2);
    return message.replaceAll(/\S*\/production\.yaml/g, "production.yaml");
  }
  throw new Error("the profile was taken");
}

describe("a profile", () => {
  it("says little where servers ask for nothing", () => {
    expect(profileOf(SMALL)).toMatchObject({
      file: expect.stringMatching(/\/production\.yaml$/),
      kafka: { brokers: "k1:9092,k2:9092" },
      redis: { url: "redis://r1:6379/0", cluster: false, nodes: [] },
      postgres: undefined,
      spark: { master: "yarn", deploy_mode: "client", python: { archive: "packed" } },
      // A file's URI is a path, which is the same to everybody.
      places: { offline: "hdfs://n/features", deadLetters: "/dead" },
      secrets: [],
    });
  });

  it("takes secrets from the environment and from files beside it, and knows them all", () => {
    const profile = profileOf(
      `
kafka:
  brokers: ["k:9093"]
  topic_prefix: shop
  sasl: { mechanism: scram-sha-512, username: cdc, password: { env: KAFKA } }
  tls: { ca: ca.pem }
redis: { nodes: ["r1:6379", "r2:6379"], cluster: true, username: "a b", password: { file: redis }, tls: { ca: ca.pem } }
postgres: { host: "db:5432", database: shop, username: reader, password: { env: PG }, tls: {} }
spark:
  master: k8s://https://k:6443
  conf: { spark.executor.instances: 4, spark.hadoop.fs.s3a.secret.key: { env: S3 } }
storage: { offline: s3a://b/f, checkpoints: s3a://b/c, dead_letters: s3a://b/d }
`,
      { KAFKA: "k/1", PG: "p@2", S3: "s3" },
      { "ca.pem": PEM, redis: "r:3\n" },
    );
    expect(profile.kafka).toEqual({
      brokers: "k:9093",
      tls: { ca: PEM },
      sasl: { mechanism: "scram-sha-512", username: "cdc", password: "k/1" },
    });
    expect(profile.redis).toEqual({
      url: "rediss://a%20b:r%3A3@r1:6379/0",
      cluster: true,
      nodes: ["r2:6379"],
      ca: PEM,
    });
    expect(profile.postgres?.url).toBe("postgres://reader:p%402@db:5432/shop?sslmode=verify-full");
    expect(profile.spark.conf).toEqual({
      "spark.executor.instances": "4",
      "spark.hadoop.fs.s3a.secret.key": "s3",
    });
    expect(profile.spark.secretConf).toEqual(["spark.hadoop.fs.s3a.secret.key"]);
    expect(new Set(profile.secrets)).toEqual(new Set(["k/1", "k%2F1", "r:3", "r%3A3", "p@2", "p%402", "s3"]));
  });

  it.each([
    [SMALL.replace("topic_prefix", "topicprefix"), /production\.yaml:2:\d+: kafka\.topicprefix: .*/],
    [SMALL.replace("k1:9092", "k1"), "production.yaml:2:20: kafka.brokers.0: expected host:port"],
    [SMALL.replace("yarn", "mesos://x"), "production.yaml:6:11: spark.master: expected local[N], spark://"],
    [SMALL.replace("hdfs://n/features", "features"), "storage.offline: expected an absolute path or a URI"],
    [SMALL.replace("hdfs://n/features", "s3a://key:pass@b/f"), "credentials do not stand in a URI"],
    [SMALL.replace('"r1:6379"]', '"r1:6379"], password: geheim'), "a secret does not stand in a profile"],
    [`${SMALL}connect: "https://u:geheim@c:8083"\n`, "credentials do not stand in a profile"],
    [
      SMALL.replace("yarn", "yarn\n  conf: { spark.executor.extraJavaOptions: { env: X } }"),
      /production\.yaml:7:\d+: spark\.conf: Spark puts Java options among the arguments/,
    ],
    [
      SMALL.replace("yarn", "yarn\n  options: [--queue, ml, --archives, x]"),
      /production\.yaml:7:\d+: spark\.options\.2: --archives is set already: see spark\.conf: spark\.archives/,
    ],
    [SMALL.replace("kafka:", "kafka: ["), /production\.yaml:\d+:\d+: /],
  ])("is refused with the place of what is wrong %#", (text, message) => {
    const told = problems(text);
    expect(told).toMatch(message);
    expect(told).not.toContain("geheim");
  });

  it("has a key in the one form that Java reads, and shows it in neither", () => {
    const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
    const written = privateKey.export({ type: "pkcs1", format: "pem" }) as string;
    const told = privateKey.export({ type: "pkcs8", format: "pem" }) as string;
    const { kafka, secrets } = profileOf(
      SMALL.replace("topic_prefix: shop", "topic_prefix: shop, tls: { certificate: c, key: k }"),
      {},
      { c: PEM, k: written },
    );
    expect(kafka.tls?.client).toEqual({ certificate: PEM, key: told });
    for (const pem of [written, told, JSON.stringify(told), ...told.split("\n"), ...written.split("\n")])
      expect(withoutSecrets(pem, secrets)).not.toMatch(/[A-Za-z0-9+/]{9}/);
  });

  it("leaves URIs of jars as they are", () => {
    const { jars } = profileOf(
      SMALL.replace("yarn", 'yarn\n  jars: ["local:///opt/x.jar", "s3a://b/y.jar", z.jar]'),
    ).spark;
    expect(jars).toEqual(["local:///opt/x.jar", "s3a://b/y.jar", expect.stringMatching(/^\/.*\/z\.jar$/)]);
  });

  it("gives way to what the command line says", () => {
    const override = { master: "spark://m:7077", deployMode: "cluster" };
    expect(profileOf(SMALL, {}, {}, override).spark).toMatchObject({
      master: "spark://m:7077",
      deploy_mode: "cluster",
    });
    expect(() => profileOf(SMALL, {}, {}, { master: "mesos://x" })).toThrow(
      "--master mesos://x: expected local[N]",
    );
  });

  it("is refused when a secret is not there, by the secret's name", () => {
    const text = SMALL.replace('"r1:6379"]', '"r1:6379"], password: { env: REDIS_PASSWORD }');
    expect(problems(text)).toContain("redis.password: the environment variable REDIS_PASSWORD is not set");
    const inFile = SMALL.replace('"r1:6379"]', '"r1:6379"], password: { file: nowhere }');
    expect(problems(inFile)).toMatch(/the secret redis\.password \S+nowhere cannot be read/);
  });
});
