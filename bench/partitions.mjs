// What a small batch costs by its number of state partitions and its trigger: time from planned to committed, and what it
// writes to the checkpoint. On the embedded stack, with the demo shop's history behind it and 20 changes a second.
//
//   node bench/partitions.mjs [PARTITIONS@SECONDS,…]
//
// Prints a line of JSON for each.
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";

const [cases = "2@1,8@1,32@1,2@10"] = process.argv.slice(2);
const WARM_UP_MS = 30_000;
const MEASURED_MS = 60_000;
const launcher = fileURLToPath(new URL("../bin/cdc-features", import.meta.url));
const folder = mkdtempSync(path.join(os.tmpdir(), "cdc-features-partitions-"));
const checkpoint = path.join(folder, ".cdc-features", "checkpoints", "customer", "dual");

function cli(...args) {
  const { status } = spawnSync(process.execPath, [launcher, ...args], { cwd: folder, stdio: ["ignore", "ignore", "inherit"] });
  if (status !== 0) throw new Error(`${args.join(" ")} ended with ${status}`);
}

function start(...args) {
  return spawn(process.execPath, [launcher, ...args], { cwd: folder, stdio: ["ignore", "ignore", "inherit"] });
}

async function stop(child) {
  const ended = once(child, "exit");
  child.kill("SIGINT");
  await ended;
}

/** Names of batches by the time at which they were written, ms since 1970. */
function batchesIn(kind) {
  const names = readdirSync(path.join(checkpoint, kind)).filter((name) => /^\d+$/.test(name));
  return new Map(names.map((name) => [Number(name), statSync(path.join(checkpoint, kind, name)).mtimeMs]));
}

function filesSince(time) {
  const files = readdirSync(path.join(checkpoint, "state"), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => statSync(path.join(entry.parentPath, entry.name)))
    .filter(({ mtimeMs }) => mtimeMs >= time);
  return { files: files.length, bytes: files.reduce((sum, { size }) => sum + size, 0) };
}

const median = (values) => values.sort((a, b) => a - b)[Math.floor(values.length / 2)];

try {
  cli("up");
  for (const [count, seconds] of cases.split(",").map((one) => one.split("@"))) {
    cli("run", "customer", "--rebuild", "--conf", `spark.sql.shuffle.partitions=${count}`);
    const run = start("run", "customer", "--continuous", "--trigger", `${seconds} seconds`, "--conf", `spark.sql.shuffle.partitions=${count}`);
    const traffic = start("traffic", "--rate", "20");
    await sleep(WARM_UP_MS);
    const begin = Date.now();
    await sleep(MEASURED_MS);
    const [planned, committed] = ["offsets", "commits"].map(batchesIn);
    const times = [...committed].filter(([, time]) => time >= begin).map(([batch, time]) => time - planned.get(batch));
    const { files, bytes } = filesSince(begin);
    await stop(traffic);
    await stop(run);
    console.log(
      JSON.stringify({
        partitions: Number(count),
        triggerSeconds: Number(seconds),
        batches: times.length,
        medianMs: Math.round(median(times)),
        stateFilesPerBatch: Math.round(files / times.length),
        stateKilobytesPerBatch: Math.round(bytes / 1000 / times.length),
      }),
    );
  }
  // The last changes of the traffic came after the last run had ended.
  cli("run", "customer");
  cli("verify", "customer");
} finally {
  cli("down", "--purge");
  rmSync(folder, { recursive: true, force: true });
}
