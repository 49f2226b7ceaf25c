/** Calls of the compare-and-write script: the same that the job makes in micro-batches. */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { Redis } from "ioredis";
import { windowsKeyOf } from "../definition/feature-set.ts";
import type { RedisClient } from "../platform/redis.ts";
import type { EntityChanges } from "./changes.ts";

const FILE = new URL("../../spark-jobs/cdc_features/compare_and_write.lua", import.meta.url);
const SCRIPT = readFileSync(FILE, "utf8");
const DIGEST = createHash("sha1").update(SCRIPT).digest("hex");

/** Nothing is right as of a later version than its own. */
const AS_OF = "0".repeat(20);

/** Resolves when Redis has all of them; rejects with the first that it refused, and then others may be written. */
export async function writeChanges(redis: RedisClient, changes: Iterable<EntityChanges>): Promise<void> {
  const calls = [...changes].map(argumentsOf);
  const results = await callAll(redis, "evalsha", DIGEST, calls);
  // A server that was restarted, or a node that took a slot over, does not know the script.
  const unknown = calls.filter((_, i) => /^NOSCRIPT/.test(results[i]?.message ?? ""));
  const repeated = unknown.length === 0 ? [] : await callAll(redis, "eval", SCRIPT, unknown);
  const failure = [...results, ...repeated].find((error) => error && !/^NOSCRIPT/.test(error.message));
  if (failure) throw failure;
}

function argumentsOf({ key, expired, windows }: EntityChanges): string[] {
  const changes = [...windows].flatMap(([window, { version, payload }]) => [window, version, payload]);
  return [key, windowsKeyOf(key), String(expired), AS_OF, String(windows.size), ...changes];
}

/** One way there and back on a single server; of a cluster, ioredis sends each call to its node, and after a slot that moved. */
async function callAll(
  redis: RedisClient,
  command: "evalsha" | "eval",
  script: string,
  calls: string[][],
): Promise<(Error | null)[]> {
  if (redis instanceof Redis) {
    const pipeline = redis.pipeline();
    for (const call of calls) pipeline[command](script, 2, ...call);
    return ((await pipeline.exec()) ?? []).map(([error]) => error);
  }
  return Promise.all(
    calls.map((call) =>
      redis[command](script, 2, ...call).then(
        () => null,
        (error: Error) => error,
      ),
    ),
  );
}
