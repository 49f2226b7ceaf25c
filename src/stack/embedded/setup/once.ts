/** Parts of the cache that are made once, and are whole or absent. */
import { existsSync } from "node:fs";
import { mkdir, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { withLock } from "../../../platform/lock.ts";

const MARKER = ".complete";
// Long enough for the slowest download of another project that waits for the same thing.
const LOCK_TIMEOUT_MS = 30 * 60_000;

/**
 * Makes `folder` by `make`, unless it is there and whole. What an interrupted attempt left is removed first;
 * two projects at once wait for each other.
 */
export async function once(folder: string, make: (folder: string) => Promise<void>): Promise<void> {
  if (existsSync(path.join(folder, MARKER))) return;
  await mkdir(path.dirname(folder), { recursive: true });
  await withLock(`${folder}.lock`, `setting up ${folder}`, LOCK_TIMEOUT_MS, async () => {
    if (existsSync(path.join(folder, MARKER))) return;
    await rm(folder, { recursive: true, force: true });
    await make(folder);
    await writeFile(path.join(folder, MARKER), "");
  });
}

export function isMade(folder: string): boolean {
  return existsSync(path.join(folder, MARKER));
}
