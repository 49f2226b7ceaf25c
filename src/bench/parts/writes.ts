/** How fast the job's own writers are, each alone: `bench/write_rates.py`. */
import { mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { z } from "zod";
import { JobError } from "../../errors.ts";
import { runCommand } from "../../platform/processes.ts";
import { PACKAGE_ROOT } from "../../stack/home.ts";
import type { WriteResult } from "../document.ts";
import type { Workbench } from "../workbench.ts";

/** One, and as many as tasks of a batch write side by side. */
const WRITERS = [1, 2];
const DATABASE = 2;

const measurements = z.array(
  z.object({
    ...{ store: z.string(), what: z.string() },
    ...{ writers: z.number(), rows: z.number(), bytes: z.number(), seconds: z.number() },
  }),
);

export async function measureWrites(bench: Workbench): Promise<WriteResult[]> {
  const { stack, topic, plan, signal } = bench;
  const { env } = await stack.spark({
    featureSet: "customer",
    topic,
    continuous: false,
    mode: "micro-batch",
    conf: {},
  });
  const folder = bench.scratch("writes");
  await mkdir(folder, { recursive: true });
  const settings = path.join(folder, "settings.json");
  const { redis } = bench.placeOf("writes", DATABASE);
  await writeFile(
    settings,
    JSON.stringify({
      ...{ rows: plan.entities, seed: plan.seed, writers: WRITERS },
      ...{ redis: redis.url, folder: path.join(folder, "features") },
    }),
  );
  return bench.progress.step(`writes of ${plan.entities} rows`, async () => {
    const script = path.join(PACKAGE_ROOT, "bench", "write_rates.py");
    const { ok, stdout, stderr } = await runCommand(env.PYSPARK_PYTHON ?? "python3", [script, settings], {
      env: { ...env, PYTHONPATH: path.join(PACKAGE_ROOT, "spark-jobs") },
      signal,
    });
    bench.refuseInterrupted();
    if (!ok) throw new JobError(`the writers' benchmark failed:\n${stderr}`);
    return measurements.parse(JSON.parse(stdout));
  });
}
