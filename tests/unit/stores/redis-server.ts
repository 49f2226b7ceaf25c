/** A real Redis or Valkey for a test file. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { isFree } from "../../../src/platform/ports.ts";
import { redisAnswers } from "../../../src/platform/redis.ts";
import { waitFor } from "../../../src/platform/waits.ts";

export interface TestRedis {
  url: string;
  stop(): Promise<void>;
}

/** The program is CDC_FEATURES_TEST_REDIS_SERVER, else redis-server or valkey-server on PATH. */
export async function startRedis(): Promise<TestRedis> {
  const port = await freePort();
  const settings = ["--port", String(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"];
  const programs = process.env.CDC_FEATURES_TEST_REDIS_SERVER ?? ["redis-server", "valkey-server"];
  for (const program of [programs].flat()) {
    const server = spawn(program, settings, { stdio: "ignore" });
    const hasStarted = await Promise.race([
      once(server, "spawn").then(() => true),
      once(server, "error").then(() => false),
    ]);
    if (!hasStarted) continue;
    const url = `redis://127.0.0.1:${port}/0`;
    await waitFor(
      { what: `${program} on port ${port}`, timeoutMs: 10_000 },
      async () => (await redisAnswers({ url })) || undefined,
    );
    const ended = once(server, "exit");
    return {
      url,
      stop: async () => {
        server.kill();
        await ended;
      },
    };
  }
  throw new Error(
    `cannot start ${programs}: set CDC_FEATURES_TEST_REDIS_SERVER to a redis-server or valkey-server`,
  );
}

async function freePort(): Promise<number> {
  for (;;) {
    const port = 20_000 + Math.floor(Math.random() * 12_000);
    if (await isFree(port)) return port;
  }
}
