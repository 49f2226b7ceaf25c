/** The writer between a real broker and a real Redis. */
import { mkdtempSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { Redis } from "ioredis";
import type { Producer } from "kafkajs";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { FeatureWriter, type Written } from "../../../src/online/feature-writer.ts";
import { prepareFeaturesTopic } from "../../../src/online/features-topic.ts";
import type { FeatureMessage } from "../../../src/online/message.ts";
import { clientOf } from "../../../src/platform/kafka.ts";
import { createTopics, endsOf } from "../../../src/platform/kafka-admin.ts";
import { sleep } from "../../../src/platform/waits.ts";
import { makeAuthority, makeCertificate } from "../../support/certificates.ts";
import { KAFKA_JARS, startBroker, type TestBroker } from "../../support/kafka-broker.ts";
import { startRedis, type TestRedis } from "../../support/redis-server.ts";
import { bytes, payloadOf, start } from "./messages.ts";

const SOURCE = "shop.public.orders";

describe.skipIf(KAFKA_JARS === undefined)("the writer (needs CDC_FEATURES_TEST_KAFKA_JARS)", () => {
  const folder = mkdtempSync(path.join(os.tmpdir(), "cdc-features-writer-"));
  let broker: TestBroker;
  let server: TestRedis;
  let redis: Redis;
  let producer: Producer;
  let topic = "";

  beforeAll(async () => {
    const authority = makeAuthority(folder, "authority");
    const certificate = makeCertificate(folder, "broker", authority, ["IP:127.0.0.1"]);
    server = await startRedis();
    redis = new Redis(server.url, { retryStrategy: () => 100 });
    redis.on("error", () => {});
    broker = await startBroker({ folder, authority, certificate, scram: {}, plain: { none: "none" } });
    await createTopics({ brokers: broker.internal }, [SOURCE], 2);
    producer = clientOf({ brokers: broker.internal }).producer();
    await producer.connect();
  }, 120_000);

  afterAll(async () => {
    redis?.disconnect();
    await producer?.disconnect();
    await broker?.stop();
    await server?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  beforeEach(async () => {
    topic = `shop.features.set${Math.random().toString(36).slice(2)}`;
    await redis.flushall();
  });

  const kafka = () => ({ brokers: broker.internal });
  const prepare = () => prepareFeaturesTopic(kafka(), { topic, source: SOURCE });
  const publish = (...messages: Partial<FeatureMessage>[]) =>
    producer.send({
      topic,
      acks: 1,
      messages: messages.map((one) => ({
        key: `${one.key ?? "customer:42:features"}@x`,
        value: bytes({ source_ms: Date.now(), ...one }),
      })),
    });

  async function started() {
    const told: { written: Written; trouble: string | undefined }[] = [];
    const writer = new FeatureWriter({
      kafka: kafka(),
      redis: { url: server.url },
      topic,
      groupId: `cdc-features.shop.${topic}.online`,
      from: await prepare(),
      onProgress: (written, trouble) => told.push({ written, trouble }),
    });
    return { writer, told };
  }

  async function committed() {
    const admin = clientOf(kafka()).admin();
    await admin.connect();
    try {
      const groupId = `cdc-features.shop.${topic}.online`;
      const [offsets] = await admin.fetchOffsets({ groupId, topics: [topic] });
      return new Map(offsets?.partitions.map(({ partition, offset }) => [partition, Number(offset)]));
    } finally {
      await admin.disconnect();
    }
  }

  test("makes the topic like the source's, compacted", async () => {
    expect(await prepare()).toEqual(
      new Map([
        [0, 0],
        [1, 0],
      ]),
    );
    const admin = clientOf(kafka()).admin();
    await admin.connect();
    const { resources } = await admin.describeConfigs({
      includeSynonyms: false,
      resources: [{ type: 2, name: topic }],
    });
    await admin.disconnect();
    const settings = Object.fromEntries(
      resources[0]?.configEntries.map(({ configName, configValue }) => [configName, configValue]) ?? [],
    );
    expect(settings).toMatchObject({
      "cleanup.policy": "compact",
      "min.compaction.lag.ms": "604800000",
    });
    expect((await prepare()).size).toBe(2);
  });

  test("writes what this run publishes, from its first batch on, and ends with all of it written and committed", async () => {
    await prepare();
    await publish({ run: "earlier", key: "customer:1:features" });
    const { writer } = await started();
    await publish({ batch: 0, count: 1, payload: payloadOf(1) });
    writer.begin(start(0, 100));
    await expect
      .poll(() => redis.hget("customer:42:features", "order_count_30d"), { timeout: 20_000 })
      .toBe("1");
    await publish(
      { batch: 1, count: 1, payload: payloadOf(2) },
      { batch: 1, count: 1, key: "customer:43:features", payload: payloadOf(5) },
    );
    await sleep(300);
    expect(await redis.hget("customer:42:features", "order_count_30d")).toBe("1");
    writer.begin(start(1, 200));
    await expect
      .poll(() => redis.hgetall("customer:42:features"))
      .toEqual({
        _version: "00000000000000000201",
        order_count_30d: "2",
      });
    await publish({ batch: 1, count: 9, payload: "" });
    await writer.end();
    expect(await redis.exists("customer:42:features", "customer:1:features")).toBe(0);
    expect(await redis.hget("customer:43:features", "order_count_30d")).toBe("5");
    expect(await committed()).toEqual(await endsOf(kafka(), topic));
    expect(writer.total()).toMatchObject({ written: 4, lagMessages: 0, p50Ms: expect.any(Number) });
  });

  test("waits for a Redis that is down, and loses nothing", async () => {
    const { writer, told } = await started();
    writer.begin(start(0, 0));
    await publish({ batch: 0, count: 1, payload: payloadOf(1) });
    await expect
      .poll(() => redis.hget("customer:42:features", "order_count_30d"), { timeout: 20_000 })
      .toBe("1");
    const port = Number(new URL(server.url).port);
    await server.stop();
    await publish({ batch: 0, count: 2, payload: payloadOf(2) });
    await publish({ batch: 0, count: 3, key: "customer:43:features" });
    await expect
      .poll(() => told.at(-1), { timeout: 10_000 })
      .toMatchObject({ written: { lagMessages: 2 }, trouble: expect.stringContaining("Redis") });
    server = await startRedis(port);
    await expect
      .poll(() => redis.hget("customer:43:features", "order_count_30d").catch(() => ""), { timeout: 20_000 })
      .toBe("1");
    expect(await redis.hget("customer:42:features", "order_count_30d")).toBe("2");
    await expect.poll(() => told.at(-1), { timeout: 5_000 }).toMatchObject({ trouble: undefined });
    await writer.end();
    expect(writer.total()).toMatchObject({ written: 3, lagMessages: 0 });
  });

  test("takes some milliseconds from the topic to Redis", async () => {
    const { writer } = await started();
    writer.begin(start(0, 0));
    await publish({ batch: 0, count: 1 });
    await expect.poll(() => redis.exists("customer:42:features"), { timeout: 20_000 }).toBe(1);
    for (let i = 0; i < 150; i += 1) {
      await publish({ batch: 0, count: 2 + i, key: `customer:${i % 20}:features` });
      await sleep(5);
    }
    const recent = writer.recent();
    await writer.end();
    expect(writer.total().written).toBe(151);
    // A busy machine of two cores; alone it takes three.
    expect(recent.p50Ms as number).toBeLessThan(100);
  });

  test("that never began ends at once", async () => {
    const { writer } = await started();
    await writer.end();
    expect(writer.total()).toEqual({ written: 0, lagMessages: 0, p50Ms: null, p99Ms: null });
  });
});
