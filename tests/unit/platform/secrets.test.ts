import { expect, it } from "vitest";
import { kafkaClientProperties } from "../../../src/platform/kafka-properties.ts";
import { withoutSecrets } from "../../../src/platform/secrets.ts";

const PASSWORD = 'a"b\\c/é';

it("a secret is replaced as it is, in a URL, in the login of Java's client, and in the JSON of each", () => {
  const sasl = { mechanism: "plain", username: "cdc", password: PASSWORD } as const;
  const settings = {
    plain: PASSWORD,
    url: `redis://:${encodeURIComponent(PASSWORD)}@r:6379/0`,
    login: kafkaClientProperties({ brokers: "k:9092", sasl })["sasl.jaas.config"],
  };
  const hidden = {
    plain: "***",
    url: "redis://:***@r:6379/0",
    login: 'org.apache.kafka.common.security.plain.PlainLoginModule required username="cdc" password="***";',
  };
  for (const [name, text] of Object.entries(settings))
    expect(withoutSecrets(text as string, [PASSWORD])).toBe(hidden[name as keyof typeof hidden]);
  expect(JSON.parse(withoutSecrets(JSON.stringify(settings), [PASSWORD]))).toEqual(hidden);
});

it("the longer of two secrets is replaced first, and an empty one replaces nothing", () => {
  expect(withoutSecrets("abc ab", ["ab", "", "abc"])).toBe("*** ***");
});
