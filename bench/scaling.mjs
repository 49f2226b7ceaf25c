// Events per second of the exact job on one worker and on two, each of one core: on the target compose, in one run.
//
//   node bench/scaling.mjs [EVENTS [CPUS]]     needs a Docker engine and the images of docker-compose.yml
//
// A worker's container gets CPUS of this machine's processors (half a one by default), so that two of them, the driver and
// the servers do not fight for them: on two processors the machine itself would be the limit. Prints a line of JSON for each.
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";

const [events = "500000", cpus = "0.5"] = process.argv.slice(2);
const CHUNK = 50_000;
const launcher = fileURLToPath(new URL("../bin/cdc-features", import.meta.url));
const folder = mkdtempSync(path.join(os.tmpdir(), "cdc-features-scaling-"));

function cli(...args) {
  const result = spawnSync(process.execPath, [launcher, ...args, "--target", "compose"], {
    cwd: folder,
    encoding: "utf8",
    stdio: ["ignore", "pipe", "inherit"],
  });
  if (result.status !== 0) throw new Error(`${args.join(" ")} ended with ${result.status}`);
  return result.stdout;
}

const docker = (...args) => execFileSync("docker", args, { stdio: ["ignore", "ignore", "inherit"] });

try {
  cli("up", "--no-demo-data");
  const { project } = JSON.parse(
    readFileSync(path.join(folder, ".cdc-features", "compose", "stack.json"), "utf8"),
  );
  for (let first = 1; first <= Number(events); first += CHUNK) {
    const last = Math.min(first + CHUNK - 1, Number(events));
    cli(
      "sql",
      `INSERT INTO orders (customer_id, product_id, quantity, total_amount, created_at)
       SELECT 1 + i % 20000 * 7919 % 20000, 1 + i % 300, 1 + i % 3, (i % 1000 + 0.31)::numeric(12,2),
              now() - (i % 25) * interval '1 day' FROM generate_series(${first}, ${last}) AS i`,
    );
  }
  const workers = [1, 2].map((n) => `${project}-spark-worker-${n}-1`);
  docker("update", "--cpus", cpus, ...workers);
  const rates = [];
  for (const count of [1, 2]) {
    const { runs } = JSON.parse(
      cli("run", "customer", "--rebuild", "--json", "--conf", `spark.cores.max=${count}`),
    );
    const rate = runs[0].read / runs[0].seconds;
    rates.push({ workers: count, rate });
    console.log(JSON.stringify({ workers: count, read: runs[0].read, seconds: runs[0].seconds, rate: Math.round(rate) }));
  }
  const best = (count) => Math.max(...rates.filter((one) => one.workers === count).map((one) => one.rate));
  console.log(JSON.stringify({ ratio: Number((best(2) / best(1)).toFixed(2)) }));
  cli("verify", "customer");
} finally {
  cli("down", "--purge");
  rmSync(folder, { recursive: true, force: true });
}
