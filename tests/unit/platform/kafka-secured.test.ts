import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { inspect } from "node:util";
import {
  AclPermissionTypes,
  AclResourceTypes,
  AclOperationTypes as Operation,
  ResourcePatternTypes,
} from "kafkajs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { CdcFeaturesError } from "../../../src/errors.ts";
import type { KafkaConnection, Sasl } from "../../../src/platform/connections.ts";
import { clientOf, readTopic, recordsIn } from "../../../src/platform/kafka.ts";
import { createTopics, kafkaAnswers } from "../../../src/platform/kafka-admin.ts";
import { kafkaClientProperties } from "../../../src/platform/kafka-properties.ts";
import { makeAuthority, makeCertificate } from "../../support/certificates.ts";
import {
  java,
  KAFKA_JARS,
  propertiesText,
  startBroker,
  type TestBroker,
} from "../../support/kafka-broker.ts";

const TOPIC = "shop.public.orders";
const PASSWORD = "correct-horse";
const AWKWARD = "a\"b\\c;d 'e=%f#{$g}";

describe.skipIf(KAFKA_JARS === undefined)(
  "a broker with TLS and users (needs CDC_FEATURES_TEST_KAFKA_JARS)",
  () => {
    const folder = mkdtempSync(path.join(os.tmpdir(), "cdc-features-kafka-"));
    const authority = makeAuthority(folder, "authority");
    const certificate = makeCertificate(folder, "broker", authority, ["IP:127.0.0.1"]);
    const client = makeCertificate(folder, "client", authority, ["DNS:client"]);
    let broker: TestBroker;

    beforeAll(async () => {
      const users = ["reader", "grouped", "describer", "ungrouped", "stranger"];
      const scram = Object.fromEntries(users.map((name) => [name, PASSWORD]));
      broker = await startBroker({ folder, authority, certificate, scram, plain: { awkward: AWKWARD } });
      await createTopics({ brokers: broker.internal }, [TOPIC], 2);
      await fillTopic(broker.internal);
      await grant(broker.internal);
    }, 120_000);

    afterAll(async () => {
      await broker?.stop();
      rmSync(folder, { recursive: true, force: true });
    });

    const as = (username: string, more: Partial<Sasl> = {}): KafkaConnection => ({
      brokers: broker.users,
      tls: { ca: authority.pem },
      sasl: { mechanism: "scram-sha-512", username, password: PASSWORD, ...more },
    });
    const byCertificate = (): KafkaConnection => ({
      brokers: broker.certificates,
      tls: { ca: authority.pem, client: { certificate: client.pem, key: client.key } },
    });

    async function valuesOf(kafka: KafkaConnection): Promise<string[]> {
      const values: string[] = [];
      await readTopic(
        { kafka, topic: TOPIC },
        { begin: () => {}, record: ({ value }) => values.push(String(value)) },
      );
      return values.sort();
    }

    async function refusal(kafka: KafkaConnection): Promise<CdcFeaturesError> {
      const error = await valuesOf(kafka).then(
        () => "no error",
        (error) => error,
      );
      expect(error).toBeInstanceOf(CdcFeaturesError);
      expect(error.exitCode).toBe(3);
      expect(inspect(error, { depth: 6 })).not.toContain(kafka.sasl?.password ?? PASSWORD);
      return error;
    }

    test.each([
      ["SCRAM-SHA-512", () => as("reader")],
      ["SCRAM-SHA-256", () => as("reader", { mechanism: "scram-sha-256" })],
      ["PLAIN, with an awkward password", () => as("awkward", { mechanism: "plain", password: AWKWARD })],
      ["a client certificate", byCertificate],
      ["groups of another prefix", () => ({ ...as("grouped"), groupPrefix: "theirs" })],
    ])("is read with %s", async (_, connection) => {
      expect(await valuesOf(connection())).toEqual(VALUES);
    });

    test("is administered with the same connection", async () => {
      expect(await kafkaAnswers(as("reader"))).toBe(true);
      expect(await kafkaAnswers(as("reader", { password: "wrong" }))).toBe(false);
      expect(await recordsIn({ kafka: byCertificate(), topic: TOPIC })).toBe(VALUES.length);
    });

    test("wrong passwords and unknown users", async () => {
      for (const connection of [as("reader", { password: "wrong-horse" }), as("nobody")]) {
        const { message, hint } = await refusal(connection);
        expect(message).toContain(`it does not accept the user ${connection.sasl?.username}`);
        expect(hint).toContain("mechanism (scram-sha-512)");
      }
    });

    test("an authority that is not known", async () => {
      const stranger = makeAuthority(folder, "stranger");
      for (const ca of [stranger.pem, undefined]) {
        const { message, hint } = await refusal({ ...as("reader"), tls: { ca } });
        expect(message).toContain("no trusted connection");
        expect(hint).toContain("`ca`");
      }
    });

    test("a broker by a name that its certificate does not have", async () => {
      const brokers = broker.users.replace("127.0.0.1", "localhost");
      const { message, hint } = await refusal({ ...as("reader"), brokers });
      expect(message).toContain("ERR_TLS_CERT_ALTNAME_INVALID");
      expect(hint).toContain("name that its certificate has");
    });

    test("a client certificate that is missing", async () => {
      const { message } = await refusal({ brokers: broker.certificates, tls: { ca: authority.pem } });
      expect(message).toContain(`cannot read Kafka at ${broker.certificates}`);
    });

    test("a client without TLS", async () => {
      const { message, hint } = await refusal({ brokers: broker.certificates });
      expect(message).toContain(`cannot read Kafka at ${broker.certificates}`);
      expect(hint).toContain("wants TLS");
    });

    test("rights that are missing", async () => {
      const describer = await refusal(as("describer"));
      expect(describer.message).toContain(`the user describer may not read the topic ${TOPIC}`);
      const ungrouped = await refusal(as("ungrouped"));
      expect(ungrouped.message).toContain(
        "the user ungrouped may not read with the consumer group cdc-features-verify-…",
      );
      expect(ungrouped.hint).toContain("`groupPrefix`");
      const stranger = await refusal(as("stranger"));
      expect(stranger.message).toContain(`has no topic ${TOPIC}`);
      expect(stranger.hint).toContain("the right to DESCRIBE and READ it");
    });

    const javac = path.join(process.env.JAVA_HOME ?? "", "bin", "javac");
    test.skipIf(!existsSync(javac))("Java's client gets in by the same connections", () => {
      const source = path.join(folder, "Topics.java");
      writeFileSync(source, TOPICS_IN_JAVA);
      const connections = [
        as("reader"),
        as("awkward", { mechanism: "plain", password: AWKWARD }),
        byCertificate(),
        { brokers: broker.internal },
      ];
      const files = connections.map((connection, i) => {
        const file = path.join(folder, `client-${i}.properties`);
        const settings = {
          "bootstrap.servers": connection.brokers,
          "request.timeout.ms": "15000",
          "default.api.timeout.ms": "15000",
        };
        writeFileSync(file, propertiesText({ ...settings, ...kafkaClientProperties(connection) }));
        return file;
      });
      const run = ["-XX:TieredStopAtLevel=1", "-cp", path.join(KAFKA_JARS as string, "*"), source, ...files];
      expect(execFileSync(java(), run, { encoding: "utf8" })).toBe(`[${TOPIC}]\n`.repeat(connections.length));
    });
  },
);

const TOPICS_IN_JAVA = `
import java.io.FileReader;
import java.util.Properties;
import org.apache.kafka.clients.admin.Admin;

public class Topics {
  public static void main(String[] args) throws Exception {
    for (String file : args) {
      Properties settings = new Properties();
      settings.load(new FileReader(file));
      try (Admin admin = Admin.create(settings)) {
        System.out.println(admin.listTopics().names().get());
      }
    }
  }
}`;

const VALUES = Array.from({ length: 20 }, (_, i) => `value ${String(i).padStart(2, "0")}`);

async function fillTopic(brokers: string): Promise<void> {
  const producer = clientOf({ brokers }).producer();
  await producer.connect();
  await producer.send({ topic: TOPIC, messages: VALUES.map((value, i) => ({ value, partition: i % 2 })) });
  await producer.disconnect();
}

async function grant(brokers: string): Promise<void> {
  const admin = clientOf({ brokers }).admin();
  await admin.connect();
  const right =
    (resourceType: AclResourceTypes, resourceName: string) => (user: string, operation: Operation) => ({
      resourceType,
      resourceName,
      resourcePatternType: ResourcePatternTypes.PREFIXED,
      principal: `User:${user}`,
      host: "*",
      operation,
      permissionType: AclPermissionTypes.ALLOW,
    });
  const topic = right(AclResourceTypes.TOPIC, TOPIC);
  const group = right(AclResourceTypes.GROUP, "cdc-features-verify");
  const theirs = right(AclResourceTypes.GROUP, "theirs");
  const readers = ["reader", "awkward", "CN=client"];
  await admin.createAcls({
    acl: [
      ...readers.flatMap((user) => [topic(user, Operation.READ), group(user, Operation.READ)]),
      ...[topic("grouped", Operation.READ), theirs("grouped", Operation.READ)],
      ...[topic("describer", Operation.DESCRIBE), group("describer", Operation.READ)],
      topic("ungrouped", Operation.READ),
    ],
  });
  await admin.disconnect();
}
