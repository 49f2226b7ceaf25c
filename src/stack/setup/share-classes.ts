/** The process that nobody waits for, see shared-classes.ts: `share-classes.ts {"home", "installation"}`. */
import { existsSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { tryLock, unlock } from "../../platform/lock.ts";
import type { Home } from "../home.ts";
import { shareClasses } from "./shared-classes.ts";
import type { SparkInstallation } from "./spark.ts";

const { home, installation }: { home: Home; installation: SparkInstallation } = JSON.parse(
  process.argv[2] ?? "",
);
// Whatever somebody waits for goes first. Linux shares the processor among sessions before it looks at processes, and
// this is a session of its own.
os.setPriority(os.constants.priority.PRIORITY_LOW);
try {
  writeFileSync("/proc/self/autogroup", "19");
} catch {
  // Another system, or one that does not.
}
const lock = path.join(home.cache, "classes.lock");
// Not two at a time, of whichever installations, and not in a cache that was removed meanwhile; the next `up` looks again.
if (existsSync(home.cache) && (await tryLock(lock, "sharing Spark's classes")) === undefined) {
  try {
    await shareClasses(home, installation);
  } finally {
    await unlock(lock);
  }
}
