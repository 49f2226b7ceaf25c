/** A lock file that names its holder; one left behind by a process that is gone is taken over. */
import { randomBytes } from "node:crypto";
import { link, mkdir, rename, rm, writeFile } from "node:fs/promises";
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
  await mkdir(path.dirname(file), { recursive: true });
  const mine: LockHolder = { pid: process.pid, startedAt: startTimeOf(process.pid) ?? "", purpose };
  const beside = `${file}.${randomBytes(4).toString("hex")}`;
  await writeFile(beside, JSON.stringify(mine), { mode: 0o600 });
  try {
    for (;;) {
      try {
        await link(beside, file);
        return undefined;
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
      }
      const holder = await holderOf(file);
      if (holder !== undefined) return holder;
      await rename(file, `${beside}.stale`).catch(() => {});
      await rm(`${beside}.stale`, { force: true });
    }
  } finally {
    await rm(beside, { force: true });
  }
}

/** The living holder of a lock. */
export async function holderOf(file: string): Promise<LockHolder | undefined> {
  const text = await readIfExists(file);
  if (text === undefined) return undefined;
  const holder = JSON.parse(text) as LockHolder;
  return isAlive(holder) ? holder : undefined;
}

export async function unlock(file: string): Promise<void> {
  await rm(file, { force: true });
}

/** Waits for the lock as long as it takes up to `timeoutMs`, holds it while `work` runs. */
export async function withLock<T>(
  file: string,
  purpose: string,
  timeoutMs: number,
  work: () => Promise<T>,
): Promise<T> {
  await waitFor(
    { what: `another cdc-features to finish (lock ${file})`, timeoutMs, intervalMs: 200 },
    async () => ((await tryLock(file, purpose)) === undefined ? true : undefined),
  );
  try {
    return await work();
  } finally {
    await unlock(file);
  }
}
