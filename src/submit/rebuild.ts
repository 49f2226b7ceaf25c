/** Computing a feature set anew: nothing of what earlier runs made of it stays. */
import { mkdir, rm } from "node:fs/promises";
import path from "node:path";
import { type FeatureSet, offlineFolder } from "../definition/feature-set.ts";
import { onlinePattern, onlinePlace } from "../definition/online-keys.ts";
import type { RedisConnection } from "../platform/connections.ts";
import { readIfExists, writeFileAtomic } from "../platform/files.ts";
import { deleteKeys } from "../platform/redis.ts";
import { below, type Storage } from "../platform/storage.ts";
import { checkpointsOf, type RunFolder } from "./run-folder.ts";

export interface Stored {
  stateDir: string;
  folder: RunFolder;
  redis: RedisConnection;
  storage: Pick<Storage, "places" | "remove">;
}

/** Forgets checkpoints, both stores, dead letters and measures. One that was interrupted is made up for by `finishRebuild`. */
export async function forget(featureSet: FeatureSet, stored: Stored): Promise<void> {
  await mkdir(stored.folder.folder, { recursive: true });
  await writeFileAtomic(mark(stored), "");
  const { places, remove } = stored.storage;
  await rm(checkpointsOf(stored.stateDir, featureSet.name), { recursive: true, force: true });
  await remove(
    below(places.checkpoints, featureSet.name),
    below(places.deadLetters, featureSet.name),
    below(places.offline, offlineFolder(featureSet)),
  );
  const isOwn = (key: string) => onlinePlace(featureSet, key) !== undefined;
  await rm(stored.folder.measures, { force: true });
  await deleteKeys(stored.redis, onlinePattern(featureSet), isOwn);
  await rm(mark(stored));
}

/** Without checkpoint and with old values in the stores, a run would leave those that no row speaks of any more. */
export async function finishRebuild(featureSet: FeatureSet, stored: Stored): Promise<void> {
  if (await isRebuildPending(stored)) await forget(featureSet, stored);
}

/** Whether a rebuild was interrupted, so that the next run forgets all there is. */
export async function isRebuildPending(stored: Pick<Stored, "folder">): Promise<boolean> {
  return (await readIfExists(mark(stored))) !== undefined;
}

function mark({ folder }: Pick<Stored, "folder">): string {
  return path.join(folder.folder, "rebuilding");
}
