// Events per second of the exact job on one worker and on two, each of one core: on the target compose, in one run.
//
//   node bench/scaling.mjs [EVENTS,… [CPUS [spark.name=value…]]]     needs a Docker engine and the images of docker-compose.yml
//
// Prints a line of JSON for each number of events and workers, and then for each two sizes the rate between them: the
// events that one has more, by the seconds that it takes longer. What a run costs at its start, whatever its size, is not in it.
// A worker's container gets CPUS of this machine's processors (half a one by default), so that two of them, the driver and
// the servers do not fight for them: on two processors the machine itself would be the limit.
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";

const [events = "300000,900000", cpus = "0.5", ...settings] = process.argv.slice(2);
const sizes = events.split(",").map(Number);
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
  const workers = [1, 2].map((n) => `${project}-spark-worker-${n}-1`);
  docker("update", "--cpus", cpus, ...workers);
  const runs = [];
  let inserted = 0;
  for (const size of sizes) {
    for (; inserted < size; inserted += CHUNK) {
      const last = Math.min(inserted + CHUNK, size);
      cli(
        "sql",
        `INSERT INTO orders (customer_id, product_id, quantity, total_amount, created_at)
         SELECT 1 + i::bigint * 7919 % 20000, 1 + i % 300, 1 + i % 3, (i % 1000 + 0.31)::numeric(12,2),
                now() - (i % 25) * interval '1 day' FROM generate_series(${inserted + 1}, ${last}) AS i`,
      );
    }
    for (const count of [1, 2]) {
      const conf = [`spark.cores.max=${count}`, ...settings].flatMap((setting) => ["--conf", setting]);
      const args = ["run", "customer", "--rebuild", "--json", ...conf];
      const [{ read, seconds }] = JSON.parse(cli(...args)).runs;
      runs.push({ workers: count, read, seconds });
      console.log(JSON.stringify({ workers: count, read, seconds, rate: Math.round(read / seconds) }));
    }
  }
  for (const [i, size] of sizes.slice(1).entries()) {
    const [from, to] = [i, i + 1].map((at) => runs.slice(2 * at, 2 * at + 2));
    const rates = [0, 1].map((w) => (to[w].read - from[w].read) / (to[w].seconds - from[w].seconds));
    const ratio = Number((rates[1] / rates[0]).toFixed(2));
    console.log(JSON.stringify({ from: sizes[i], to: size, rates: rates.map(Math.round), ratio }));
  }
  cli("verify", "customer");
} finally {
  cli("down", "--purge");
  rmSync(folder, { recursive: true, force: true });
}
