/** A connection as Kafka's Java client takes it. */
import { createPrivateKey } from "node:crypto";
import { EnvironmentError } from "../errors.ts";
import type { KafkaConnection, Sasl, Tls } from "./connections.ts";

/**
 * What the client needs besides `bootstrap.servers`: nothing for a server that asks for nothing. Passwords and keys are among
 * the values. Throws EnvironmentError when the client's key cannot be read.
 */
export function kafkaClientProperties({ tls, sasl }: KafkaConnection): Record<string, string> {
  if (tls === undefined && sasl === undefined) return {};
  const protocol = tls === undefined ? "PLAINTEXT" : "SSL";
  return {
    "security.protocol": sasl === undefined ? protocol : `SASL_${protocol}`,
    ...(sasl && { "sasl.mechanism": sasl.mechanism.toUpperCase(), "sasl.jaas.config": jaasConfig(sasl) }),
    ...(tls && tlsProperties(tls)),
  };
}

function jaasConfig({ mechanism, username, password }: Sasl): string {
  const module = mechanism === "plain" ? "plain.PlainLoginModule" : "scram.ScramLoginModule";
  const options = `username=${jaasText(username)} password=${jaasText(password)}`;
  return `org.apache.kafka.common.security.${module} required ${options};`;
}

/** Kafka reads it with Java's StreamTokenizer, for which a text ends with its line. */
function jaasText(text: string): string {
  const escapes: Record<string, string> = { "\n": "\\n", "\r": "\\r" };
  return `"${text.replace(/["\\\n\r]/g, (character) => escapes[character] ?? `\\${character}`)}"`;
}

function tlsProperties({ ca, client }: Tls): Record<string, string> {
  return {
    ...(ca !== undefined && { "ssl.truststore.type": "PEM", "ssl.truststore.certificates": ca }),
    ...(client && {
      "ssl.keystore.type": "PEM",
      "ssl.keystore.key": pkcs8(client.key),
      "ssl.keystore.certificate.chain": client.certificate,
    }),
  };
}

/** Java reads no other form. Throws EnvironmentError. */
export function pkcs8(key: string): string {
  try {
    return createPrivateKey(key).export({ type: "pkcs8", format: "pem" }) as string;
  } catch (cause) {
    throw new EnvironmentError(`the client's key for Kafka cannot be read: ${(cause as Error).message}`, {
      hint: "It is a private key in PEM without a passphrase: `openssl pkcs8 -topk8 -nodes` takes one away.",
      cause,
    });
  }
}
