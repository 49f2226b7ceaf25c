/** A real broker that asks for TLS and users, from the jars of CDC_FEATURES_TEST_KAFKA_JARS (a folder) and JAVA_HOME. */
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { createWriteStream, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { isFree } from "../../src/platform/ports.ts";
import { waitFor } from "../../src/platform/waits.ts";
import type { Authority, Certificate } from "./certificates.ts";

export const KAFKA_JARS = process.env.CDC_FEATURES_TEST_KAFKA_JARS;

export interface TestBroker {
  /** Without TLS or user, and with every right. */
  internal: string;
  /** TLS and a user: SCRAM-SHA-256, SCRAM-SHA-512 or PLAIN. */
  users: string;
  /** TLS and a client certificate. */
  certificates: string;
  stop(): Promise<void>;
}

export interface BrokerOptions {
  /** Keeps everything of the broker. */
  folder: string;
  authority: Authority;
  certificate: Certificate;
  /** Password by user; the same for every SCRAM mechanism. */
  scram: Record<string, string>;
  plain: Record<string, string>;
}

export async function startBroker(options: BrokerOptions): Promise<TestBroker> {
  const { folder, scram } = options;
  const [internal, users, certificates, controller] = await Promise.all([0, 1, 2, 3].map(freePort));
  const at = (name: string, port: number | undefined) => `${name}://127.0.0.1:${port}`;
  const listeners = [at("INTERNAL", internal), at("USERS", users), at("CERTIFICATES", certificates)];
  const config = path.join(folder, "server.properties");
  writeFileSync(config, properties(options, listeners, controller as number), "latin1");
  const credentials = Object.entries(scram).flatMap(([name, password]) =>
    ["SCRAM-SHA-256", "SCRAM-SHA-512"].flatMap((mechanism) => [
      "--add-scram",
      `${mechanism}=[name=${name},password=${password}]`,
    ]),
  );
  const format = ["format", "--cluster-id", "MkU3OEVBNTcwNTJENDM2Qk", "--config", config, ...credentials];
  const formatted = spawnSync(java(), [...jvm(folder), "kafka.tools.StorageTool", ...format]);
  if (formatted.status !== 0) throw new Error(`cannot format: ${formatted.stdout}${formatted.stderr}`);
  const log = path.join(folder, "broker.log");
  const server = spawn(java(), [...jvm(folder), "kafka.Kafka", config], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  const output = createWriteStream(log);
  server.stdout.pipe(output);
  server.stderr.pipe(output);
  await waitFor({ what: `Kafka, see ${log}`, timeoutMs: 60_000, intervalMs: 200 }, async () => {
    const text = readFileSync(log, { encoding: "utf8", flag: "a+" });
    if (server.exitCode !== null) throw new Error(`Kafka ended:\n${text.slice(-4_000)}`);
    return text.includes("Kafka Server started") || undefined;
  });
  return {
    internal: `127.0.0.1:${internal}`,
    users: `127.0.0.1:${users}`,
    certificates: `127.0.0.1:${certificates}`,
    stop: async () => {
      const ended = once(server, "exit");
      server.kill("SIGKILL");
      await ended;
    },
  };
}

export function java(): string {
  return process.env.JAVA_HOME === undefined ? "java" : path.join(process.env.JAVA_HOME, "bin", "java");
}

function jvm(folder: string): string[] {
  const quick = ["-Xmx384m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"];
  return [...quick, `-Dlog4j2.configurationFile=${logging(folder)}`, "-cp", path.join(KAFKA_JARS ?? "", "*")];
}

function logging(folder: string): string {
  const file = path.join(folder, "log4j2.properties");
  const lines = [
    ["appender.out.type=Console", "appender.out.name=out", "appender.out.layout.type=PatternLayout"],
    ["rootLogger.level=INFO", "rootLogger.appenderRef.out.ref=out"],
  ];
  writeFileSync(file, lines.flat().join("\n"));
  return file;
}

function properties(
  { folder, authority, certificate, plain }: BrokerOptions,
  listeners: string[],
  controller: number,
): string {
  const identity = path.join(folder, "broker.pem");
  writeFileSync(identity, `${certificate.key}${certificate.pem}`);
  const modules = "org.apache.kafka.common.security";
  const passwords = Object.entries(plain).map(([name, password]) => `user_${name}="${escaped(password)}"`);
  const settings = {
    "process.roles": "broker,controller",
    "node.id": "1",
    "controller.quorum.voters": `1@127.0.0.1:${controller}`,
    listeners: [...listeners, `CONTROLLER://127.0.0.1:${controller}`].join(","),
    "advertised.listeners": listeners.join(","),
    "listener.security.protocol.map":
      "INTERNAL:PLAINTEXT,CONTROLLER:PLAINTEXT,USERS:SASL_SSL,CERTIFICATES:SSL",
    "controller.listener.names": "CONTROLLER",
    "inter.broker.listener.name": "INTERNAL",
    "listener.name.users.sasl.enabled.mechanisms": "SCRAM-SHA-256,SCRAM-SHA-512,PLAIN",
    "listener.name.users.scram-sha-256.sasl.jaas.config": `${modules}.scram.ScramLoginModule required;`,
    "listener.name.users.scram-sha-512.sasl.jaas.config": `${modules}.scram.ScramLoginModule required;`,
    "listener.name.users.plain.sasl.jaas.config": `${modules}.plain.PlainLoginModule required ${passwords.join(" ")};`,
    "listener.name.certificates.ssl.client.auth": "required",
    "ssl.keystore.type": "PEM",
    "ssl.keystore.location": identity,
    "ssl.truststore.type": "PEM",
    "ssl.truststore.location": authority.file,
    "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
    "super.users": "User:ANONYMOUS",
    "log.dirs": path.join(folder, "data"),
    "auto.create.topics.enable": "false",
    "offsets.topic.num.partitions": "1",
    "offsets.topic.replication.factor": "1",
    "group.initial.rebalance.delay.ms": "0",
  };
  return propertiesText(settings);
}

const escaped = (text: string) => text.replace(/["\\]/g, "\\$&");

/** As java.util.Properties reads it. */
export function propertiesText(settings: Record<string, string>): string {
  const text = (value: string) =>
    value.replace(/\\/g, "\\\\").replace(/\n/g, "\\n").replace(/\r/g, "\\r").replace(/^ /, "\\ ");
  return Object.entries(settings)
    .map(([name, value]) => `${name}=${text(value)}\n`)
    .join("");
}

async function freePort(): Promise<number> {
  for (;;) {
    const port = 20_000 + Math.floor(Math.random() * 12_000);
    if (await isFree(port)) return port;
  }
}
