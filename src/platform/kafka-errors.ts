/** What kafkajs fails with, as something that a user can act on. */
import type { KafkaConnection } from "./connections.ts";
import { reachHint, type Trouble, tlsTrouble } from "./tls.ts";

/** Begins the names of the consumer groups that read a topic. */
export function groupPrefixOf({ groupPrefix }: KafkaConnection): string {
  return groupPrefix ?? "cdc-features-verify";
}

/** Undefined for what is no matter of the connection or of rights. `topic` is the one that is being read. */
export function kafkaTrouble(kafka: KafkaConnection, error: unknown, topic: string): Trouble | undefined {
  const trust = tlsTrouble(error);
  if (trust !== undefined) return { ...trust, why: trust.why.replace("Connection error: ", "") };
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    const trouble = ofRights(kafka, cause, topic) ?? ofConnection(kafka, cause);
    if (trouble !== undefined) return trouble;
  }
  return undefined;
}

function ofRights(kafka: KafkaConnection, error: Error, topic: string): Trouble | undefined {
  const user = userOf(kafka);
  if (error.name === "KafkaJSSASLAuthenticationError") {
    const hint = kafka.sasl
      ? `Check user, password and mechanism (${kafka.sasl.mechanism}), and that the user has a password for that mechanism.`
      : "Give the connection a user and a password.";
    return { why: `it does not accept ${user}: ${error.message}`, hint };
  }
  // kafkajs keeps to itself what the brokers said.
  if (error.name === "KafkaJSGroupCoordinatorNotFound" && isSecured(kafka))
    return ofGroup(kafka, error.message);
  switch ((error as { type?: string }).type) {
    case "TOPIC_AUTHORIZATION_FAILED":
      return {
        why: `${user} may not read the topic ${topic} (TOPIC_AUTHORIZATION_FAILED)`,
        hint: `Grant ${user} READ and DESCRIBE on the topic ${topic}.`,
      };
    case "GROUP_AUTHORIZATION_FAILED":
      return ofGroup(kafka, "GROUP_AUTHORIZATION_FAILED");
    case "CLUSTER_AUTHORIZATION_FAILED":
      return {
        why: `${user} may not do that in this cluster (CLUSTER_AUTHORIZATION_FAILED)`,
        hint: `Grant ${user} the right, or have somebody do it who has it.`,
      };
    default:
      return undefined;
  }
}

function ofGroup(kafka: KafkaConnection, said: string): Trouble {
  const [user, prefix] = [userOf(kafka), groupPrefixOf(kafka)];
  return {
    why: `${user} may not read with the consumer group ${prefix}-…, or no broker coordinates it (${said})`,
    hint:
      `Grant ${user} READ (and DELETE, to leave none behind) on the groups with the prefix ${prefix}, ` +
      "or set the connection's `groupPrefix` to one that it may use.",
  };
}

function ofConnection({ brokers }: KafkaConnection, error: Error): Trouble | undefined {
  if (!/^KafkaJS(Connection|ConnectionClosed|RequestTimeout|BrokerNotFound)Error$/.test(error.name))
    return undefined;
  const { broker } = error as { broker?: string };
  const isNamed = broker !== undefined && brokers.split(",").every((one) => one.trim() !== broker);
  const hint = isNamed
    ? `The cluster names ${broker} itself (advertised.listeners), and this machine has to reach it, too.`
    : reachHint(brokers.slice(0, brokers.lastIndexOf(":")), error.message);
  return { why: error.message, hint };
}

/** Whether the brokers know who asks. */
export function isSecured({ sasl, tls }: KafkaConnection): boolean {
  return sasl !== undefined || tls?.client !== undefined;
}

function userOf({ sasl, tls }: KafkaConnection): string {
  if (sasl !== undefined) return `the user ${sasl.username}`;
  return tls?.client === undefined ? "a client without a user" : "the user of the client certificate";
}
