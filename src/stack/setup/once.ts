/** Parts of the cache that are made once, and are whole or absent. */
import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, readdir, rename, rm, symlink, writeFile } from "node:fs/promises";
import path from "node:path";
import { waitingFor, withLock } from "../../platform/lock.ts";
import { type Progress, silent } from "../../platform/progress.ts";

const MARKER = ".complete";
// Long enough for the slowest download of another project that waits for the same thing.
const LOCK_TIMEOUT_MS = 30 * 60_000;

/**
 * Makes `folder` by `make`, unless it is there and whole; two projects at once wait for each other.
 *
 * Each attempt has a folder of its own, and `folder` is a link to the one that is whole: a pip that goes on after
 * its command was killed never works in the folder of the next attempt. A link, since a venv cannot be moved.
 */
export async function once(
  folder: string,
  make: (folder: string) => Promise<void>,
  progress: Progress = silent,
): Promise<void> {
  if (isMade(folder)) return;
  await mkdir(path.dirname(folder), { recursive: true });
  const work = async () => {
    if (isMade(folder)) return;
    await removeAttempts(folder);
    const attempt = `${folder}${ATTEMPT}${randomBytes(4).toString("hex")}`;
    await mkdir(attempt);
    await make(attempt);
    await writeFile(path.join(attempt, MARKER), "");
    await publish(attempt, folder);
  };
  await withLock(`${folder}.lock`, `setting up ${folder}`, LOCK_TIMEOUT_MS, work, (holder) =>
    progress.note(waitingFor(holder)),
  );
}

export function isMade(folder: string): boolean {
  return existsSync(path.join(folder, MARKER));
}

const ATTEMPT = ".attempt-";

/** The caller holds the lock, so that whatever is there is of no use to anybody. */
async function removeAttempts(folder: string): Promise<void> {
  await remove(folder);
  const prefix = path.basename(folder) + ATTEMPT;
  for (const name of await readdir(path.dirname(folder))) {
    if (name.startsWith(prefix)) await remove(path.join(path.dirname(folder), name));
  }
}

/** An orphan that still writes into it may win over this one; what is left then goes the next time. */
async function remove(folder: string): Promise<void> {
  await rm(folder, { recursive: true, force: true, maxRetries: 3 }).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "ENOTEMPTY") throw error;
  });
}

/** Relative, so that the cache as a whole may be moved or mounted elsewhere. */
async function publish(attempt: string, folder: string): Promise<void> {
  const link = `${attempt}.link`;
  await symlink(path.basename(attempt), link);
  await rename(link, folder);
}
