/** A lock file that names its holder; one left behind by a process that is gone is taken over. */
import { randomBytes } from "node:crypto";
import { link, mkdir, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { readIfExists } from "./files.ts";
import { isAlive, type ProcessRef, startTimeOf } from "./processes.ts";
import { waitFor } from "./waits.ts";

export interface LockHolder extends ProcessRef {
  /** What the holder is doing, for the message of whoever is refused. */
  purpose: string;
}

/** Takes the lock and returns undefined, or returns who holds it. */
export async function tryLock(file: string, purpose: string): Promise<LockHolder | undefined> {
  const mine: LockHolder = { ...thisProcess(), purpose };
  const beside = `${file}.${randomBytes(4).toString("hex")}`;
  await writeInFolder(beside, JSON.stringify(mine));
  try {
    for (;;) {
      try {
        await link(beside, file);
        return undefined;
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
      }
      const text = await readIfExists(file);
      if (text === undefined) continue;
      const holder = living(text);
      if (holder !== undefined) return holder;
      const other = await removeStale(file, text, purpose);
      if (other !== undefined) return other;
    }
  } finally {
    await rm(beside, { force: true });
  }
}

/**
 * Only who holds the guard removes a lock whose holder is gone, and looks again before: the lock that somebody
 * else has taken meanwhile stays. Returns who holds the guard instead.
 */
async function removeStale(file: string, stale: string, purpose: string): Promise<LockHolder | undefined> {
  const guard = `${file}.takeover`;
  const other = await tryLock(guard, purpose);
  if (other !== undefined) return other;
  try {
    if ((await readIfExists(file)) === stale) await rm(file);
  } finally {
    await unlock(guard);
  }
  return undefined;
}

/** The folder may go away between the two: who purges a project holds its lock until then. */
async function writeInFolder(file: string, text: string): Promise<void> {
  for (let tries = 0; ; tries++) {
    await mkdir(path.dirname(file), { recursive: true });
    try {
      return await writeFile(file, text, { mode: 0o600 });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOENT" || tries === 3) throw error;
    }
  }
}

/** The living holder of a lock. */
export async function holderOf(file: string): Promise<LockHolder | undefined> {
  return living((await readIfExists(file)) ?? "");
}

/** A lock that cannot be read, as after a power failure, is nobody's. */
function living(text: string): LockHolder | undefined {
  try {
    const holder = JSON.parse(text) as LockHolder;
    return isAlive(holder) ? holder : undefined;
  } catch {
    return undefined;
  }
}

function thisProcess(): ProcessRef {
  return { pid: process.pid, startedAt: startTimeOf(process.pid) ?? "" };
}

/** Gives the lock back; one that another process holds stays. */
export async function unlock(file: string): Promise<void> {
  const holder = await holderOf(file);
  const { pid, startedAt } = thisProcess();
  if (holder?.pid === pid && holder.startedAt === startedAt) await rm(file, { force: true });
}

/** Waits this long before it says so: most locks are held for an instant. */
const QUIET_MS = 2_000;

/**
 * Waits for the lock as long as it takes up to `timeoutMs`, holds it while `work` runs. `onWait` hears once of a
 * wait that takes long.
 */
export async function withLock<T>(
  file: string,
  purpose: string,
  timeoutMs: number,
  work: () => Promise<T>,
  onWait?: (holder: LockHolder) => void,
): Promise<T> {
  const tellAt = performance.now() + QUIET_MS;
  let told = false;
  await waitFor(
    { what: `another cdc-features to finish (lock ${file})`, timeoutMs, intervalMs: 200 },
    async () => {
      const holder = await tryLock(file, purpose);
      if (holder === undefined) return true;
      if (!told && performance.now() > tellAt) {
        told = true;
        onWait?.(holder);
      }
      return undefined;
    },
  );
  try {
    return await work();
  } finally {
    await unlock(file);
  }
}

/** For `onWait`. */
export function waitingFor({ purpose, pid }: LockHolder): string {
  return `waiting for another process to finish: ${purpose} (pid ${pid})`;
}
