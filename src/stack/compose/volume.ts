/** The volume that drivers and executors share, as seen from this machine: listed and copied by containers of a moment. */
import { mkdir, readdir, rename, rm, stat } from "node:fs/promises";
import path from "node:path";
import { execa } from "execa";
import { JobError } from "../../errors.ts";
import { docker } from "./engine.ts";

export interface Volume {
  name: string;
  image: string;
}

interface RemoteFile {
  /** Below the folder. */
  name: string;
  bytes: number;
  /** Of its last change, seconds since 1970. */
  changed: number;
}

/** Makes `local` hold the files of `/data/<remote>`, without those that are being written. */
export async function copyFolder(volume: Volume, remote: string, local: string): Promise<void> {
  const files = await list(volume, remote);
  const wanted = new Map(files.map((file) => [file.name, file]));
  for (const name of await localFiles(local)) {
    if (!wanted.has(name)) await rm(path.join(local, name), { force: true });
  }
  const missing = [];
  for (const file of files) if (!(await isSame(path.join(local, file.name), file))) missing.push(file.name);
  if (missing.length > 0) await copy(volume, remote, local, missing);
}

/** Removes what lies at absolute paths of the volume. */
export async function removeFrom(volume: Volume, places: string[]): Promise<void> {
  await docker([...container(volume, "rw"), "rm", "-rf", "--", ...places]);
}

function container({ name, image }: Volume, access: "ro" | "rw"): string[] {
  return ["run", "--rm", "-i", "--network", "none", "--volume", `${name}:/data:${access}`, image];
}

/** Manifests first: a file that is put in place meanwhile is then one without a manifest, never one that is lost. */
const LIST = `cd "/data/$0" 2>/dev/null || exit 0
find ./_batches -ignore_readdir_race -type f -printf '%P\\t%s\\t%T@\\t_batches/\\n' 2>/dev/null
find . -ignore_readdir_race \\( -path ./_batches -o -path ./_staging \\) -prune -o -type f -printf '%P\\t%s\\t%T@\\t\\n'`;

async function list(volume: Volume, remote: string): Promise<RemoteFile[]> {
  const lines = (await docker([...container(volume, "ro"), "bash", "-c", LIST, remote])).split("\n");
  return lines.flatMap((line) => {
    const [name, bytes, changed, folder = ""] = line.split("\t");
    if (!name || name.endsWith(".tmp")) return [];
    return [{ name: `${folder}${name}`, bytes: Number(bytes), changed: Math.floor(Number(changed)) }];
  });
}

async function localFiles(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => path.relative(folder, path.join(entry.parentPath, entry.name)));
}

async function isSame(file: string, { bytes, changed }: RemoteFile): Promise<boolean> {
  const there = await stat(file).catch(() => undefined);
  return there !== undefined && there.size === bytes && Math.floor(there.mtimeMs / 1000) === changed;
}

async function copy(volume: Volume, remote: string, local: string, names: string[]): Promise<void> {
  const incoming = path.join(path.dirname(local), `.incoming-${process.pid}`);
  await mkdir(incoming, { recursive: true });
  try {
    const source = [...container(volume, "ro"), "tar", "-c", "-C", `/data/${remote}`, "--null", "-T", "-"];
    const moved = await execa("docker", source, {
      input: names.map((name) => `${name}\0`).join(""),
      encoding: "buffer",
      reject: false,
    }).pipe("tar", ["-x", "-C", incoming], { reject: false });
    const failed = [...moved.pipedFrom, moved].find((one) => one.failed);
    if (failed !== undefined)
      throw new JobError(
        `the offline store could not be copied from its volume: ${failed.stderr?.toString() || failed.shortMessage}`,
      );
    for (const name of names) {
      await mkdir(path.dirname(path.join(local, name)), { recursive: true });
      await rename(path.join(incoming, name), path.join(local, name));
    }
  } finally {
    await rm(incoming, { recursive: true, force: true });
  }
}
