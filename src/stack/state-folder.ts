/**
 * The folder of a project's state. CDC_FEATURES_HOME may name any folder: one that holds other things by our names is
 * refused, and what the stack did not make is never removed.
 */
import { existsSync } from "node:fs";
import { mkdir, readdir, rm, rmdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { EnvironmentError } from "../errors.ts";
import { readIfExists } from "../platform/files.ts";
import { type Home, inState } from "./home.ts";

/** Nobody wants servers' data in a repository. The first line tells this file from others. */
const GITIGNORE = "# of cdc-features\n*\n";

/** What the stack and its runs write, each with the temporary files beside it. */
const ENTRIES = [
  ...["stack.json", "installation.json", "servers", "logs", "tmp"],
  ...["features", "runs", "checkpoints", "dead-letters"],
];

/** Makes the folder, or throws EnvironmentError on one that holds somebody else's things by our names. */
export async function claimStateFolder(home: Home): Promise<void> {
  await mkdir(home.state, { recursive: true });
  if (await isClaimed(home)) return;
  // Another `up` may be claiming it at this moment.
  const others = (await readdir(home.state)).filter((name) => !/^(\.gitignore|up\.lock)/.test(name));
  const inTheWay = others.filter((name) => ENTRIES.includes(name));
  if (inTheWay.length > 0 && !(await isClaimed(home))) {
    throw new EnvironmentError(`${home.state} holds other things: ${inTheWay.join(", ")}`, {
      hint: "Let CDC_FEATURES_HOME name a folder of its own.",
    });
  }
  // Among somebody's files it would hide those, too.
  if (others.length > 0) return;
  await writeFile(gitignoreOf(home), GITIGNORE, { flag: "wx" }).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "EEXIST") throw error;
  });
}

/** Removes what `up` and the runs have made. The folder itself goes with `removeEmpty`, after its lock. */
export async function removeState(home: Home): Promise<void> {
  if (!(await isClaimed(home))) return;
  const own = (await readdir(home.state)).filter((name) =>
    ENTRIES.some((entry) => name === entry || (name.startsWith(`${entry}.`) && name.endsWith(".tmp"))),
  );
  // What tells that the folder is claimed goes last: an interrupted purge can be done again.
  for (const name of own.sort((a, b) => Number(a === "stack.json") - Number(b === "stack.json"))) {
    await removeWhole(path.join(home.state, name));
  }
  await removeGitignore(home);
}

/** Unless another target's state is still there. */
export async function removeGitignore(home: Home): Promise<void> {
  if (!(await isOwnGitignore(home))) return;
  const others = (await readdir(home.state)).filter((name) => !/^(\.gitignore|up\.lock)/.test(name));
  if (others.length === 0) await rm(gitignoreOf(home), { force: true });
}

/** Also while somebody still writes into it. */
export async function removeWhole(folder: string): Promise<void> {
  await rm(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
}

/** Takes an empty folder away, and leaves one that is not. */
export async function removeEmpty(folder: string): Promise<void> {
  await rmdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (!["ENOENT", "ENOTEMPTY", "EEXIST", "EBUSY"].includes(error.code ?? "")) throw error;
  });
}

async function isClaimed(home: Home): Promise<boolean> {
  const isMarked = [inState.stack(home), inState.installation(home)].some((file) => existsSync(file));
  return isMarked || (await isOwnGitignore(home));
}

async function isOwnGitignore(home: Home): Promise<boolean> {
  const text = await readIfExists(gitignoreOf(home));
  // The plain star is what earlier versions wrote.
  return text === GITIGNORE || (text === "*\n" && path.basename(home.state) === ".cdc-features");
}

function gitignoreOf(home: Home): string {
  return path.join(home.state, ".gitignore");
}
