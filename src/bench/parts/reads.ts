/** How long it takes to read the features of entities: on an open connection, as `get` does it, and the command as a whole. */
import { onlineKey } from "../../definition/feature-set.ts";
import { type RedisClient, withRedis } from "../../platform/redis.ts";
import { readEntities } from "../../stores/entities.ts";
import { readHashes } from "../../stores/online.ts";
import { callCommand } from "../command.ts";
import type { ReadResult } from "../document.ts";
import { type Percentiles, percentilesOf } from "../statistics.ts";
import { wayNamed, workedOff } from "../ways.ts";
import type { Workbench } from "../workbench.ts";

const ROUNDS = 3_000;
const WARM_UP_ROUNDS = 300;
const MANY = 100;
const COMMANDS = 5;

export async function measureReads(bench: Workbench): Promise<ReadResult> {
  await workedOff(bench, wayNamed("exact"));
  const inProcess = await bench.progress.step("reads", () =>
    withRedis(bench.endpoints.redis, (redis) => readsOn(bench, redis)),
  );
  const commandSeconds: number[] = [];
  await bench.progress.step("the command get", async () => {
    for (let i = 0; i < COMMANDS; i++) {
      const { seconds } = await callCommand(bench, ["get", "customer", "1", "--json"]);
      commandSeconds.push(seconds);
    }
  });
  return { inProcess, commandSeconds };
}

async function readsOn(bench: Workbench, redis: RedisClient): Promise<ReadResult["inProcess"]> {
  const featureSet = bench.sets.customer;
  const options = {
    redis: bench.endpoints.redis,
    offlineRoot: bench.endpoints.offline,
    now: new Date(),
    scratch: bench.scratch("reads"),
  };
  const keysOf = (entities: string[]) => entities.map((entity) => onlineKey(featureSet, entity));
  const ways: [what: string, entities: number, read: (entities: string[]) => Promise<unknown>][] = [
    ["PING", 0, () => redis.ping()],
    ["HGETALL", 1, (some) => redis.hgetall(keysOf(some)[0] as string)],
    ["HGETALL, pipelined", MANY, (some) => pipelined(redis, keysOf(some))],
    ["as get reads, on an open connection", 1, (some) => readHashes(redis, keysOf(some))],
    ["as get reads, on an open connection", MANY, (some) => readHashes(redis, keysOf(some))],
    ["get: connects, reads, brings to now", 1, (some) => readEntities(featureSet, some, options)],
    ["get: connects, reads, brings to now", MANY, (some) => readEntities(featureSet, some, options)],
  ];
  const results: ReadResult["inProcess"] = [];
  for (const [what, entities, read] of ways) {
    bench.refuseInterrupted();
    results.push({ what, entities, ms: await timed(bench, entities, read) });
  }
  return results;
}

function pipelined(redis: RedisClient, keys: string[]): Promise<unknown> {
  const pipeline = redis.pipeline();
  for (const key of keys) pipeline.hgetall(key);
  return pipeline.exec();
}

async function timed(
  bench: Workbench,
  count: number,
  read: (entities: string[]) => Promise<unknown>,
): Promise<Percentiles> {
  const times: number[] = [];
  for (let round = -WARM_UP_ROUNDS; round < ROUNDS; round++) {
    const some = Array.from({ length: count }, (_, i) => entityOf(bench, (round + ROUNDS) * count + i));
    const begun = performance.now();
    await read(some);
    if (round >= 0) times.push(performance.now() - begun);
  }
  return percentilesOf(times) as Percentiles;
}

/** All over the entities, others every time. */
function entityOf({ plan }: Workbench, number: number): string {
  return String(1 + ((number * 7_919) % plan.entities));
}
