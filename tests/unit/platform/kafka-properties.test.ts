import { createPrivateKey, generateKeyPairSync } from "node:crypto";
import { expect, test } from "vitest";
import { EnvironmentError } from "../../../src/errors.ts";
import { kafkaClientProperties } from "../../../src/platform/kafka-properties.ts";

const brokers = "127.0.0.1:9092";

test("a plain server needs nothing", () => {
  expect(kafkaClientProperties({ brokers })).toEqual({});
});

test("a user without TLS; what Java's tokenizer would take apart is escaped", () => {
  const sasl = { mechanism: "plain", username: 'a"b', password: 'c\\d;e\nf"; x="' } as const;
  expect(kafkaClientProperties({ brokers, sasl })).toEqual({
    "security.protocol": "SASL_PLAINTEXT",
    "sasl.mechanism": "PLAIN",
    "sasl.jaas.config":
      "org.apache.kafka.common.security.plain.PlainLoginModule required " +
      'username="a\\"b" password="c\\\\d;e\\nf\\"; x=\\"";',
  });
});

test("TLS by the system's authorities", () => {
  expect(kafkaClientProperties({ brokers, tls: { ca: undefined } })).toEqual({ "security.protocol": "SSL" });
});

test("a user over TLS", () => {
  const sasl = { mechanism: "scram-sha-256", username: "u", password: "p" } as const;
  expect(kafkaClientProperties({ brokers, sasl, tls: { ca: "PEM" } })).toMatchObject({
    "security.protocol": "SASL_SSL",
    "sasl.mechanism": "SCRAM-SHA-256",
    "ssl.truststore.type": "PEM",
    "ssl.truststore.certificates": "PEM",
  });
});

test.each(["pkcs1", "sec1", "pkcs8"] as const)("a client's key in %s is one that Java reads", (type) => {
  const { privateKey } =
    type === "sec1"
      ? generateKeyPairSync("ec", { namedCurve: "P-256" })
      : generateKeyPairSync("rsa", { modulusLength: 2048 });
  const key = privateKey.export({ type, format: "pem" } as never) as unknown as string;
  const client = { certificate: "CERTIFICATE", key };
  const properties = kafkaClientProperties({ brokers, tls: { ca: "PEM", client } });
  expect(properties).toMatchObject({
    "security.protocol": "SSL",
    "ssl.keystore.type": "PEM",
    "ssl.keystore.certificate.chain": "CERTIFICATE",
  });
  expect(properties["ssl.keystore.key"]).toMatch(/^-----BEGIN PRIVATE KEY-----/);
  expect(createPrivateKey(properties["ssl.keystore.key"] as string).equals(privateKey)).toBe(true);
});

test("a key that cannot be read is an error that does not show it", () => {
  const client = { certificate: "", key: "-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END PRIVATE KEY-----" };
  const attempt = () => kafkaClientProperties({ brokers, tls: { ca: undefined, client } });
  expect(attempt).toThrow(EnvironmentError);
  expect(attempt).not.toThrow("c2VjcmV0");
});
