// Before the first line of the project runs: is the machine fit, and are the npm packages there? No packages here.
import { spawn } from "node:child_process";
import { existsSync, readlinkSync, renameSync, rmSync, symlinkSync, unlinkSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { checkNode, checkPlatform, checkPython } from "../src/stack/setup/machine.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));
const ENVIRONMENT = 3; // the exit code for what is missing outside

/** Ends the process with exit code 3 where something is missing; installs the npm packages in a fresh clone. */
export async function prepare() {
  exitUnless([checkNode()]);
  if (isInstalled()) return;
  // What is missing is named before anything is downloaded.
  exitUnless([checkPlatform(), checkPython()]);
  const problem = await withLock((handOver) => (isInstalled() ? undefined : installPackages(handOver)));
  if (problem === undefined) return;
  console.error(`error: ${problem}`);
  process.exit(ENVIRONMENT);
}

function exitUnless(checks) {
  const missing = checks.filter((check) => !check.ok);
  if (missing.length === 0) return;
  for (const check of missing) console.error(`error: ${check.name}: ${check.found}\n${check.hint}`);
  process.exit(ENVIRONMENT);
}

/** In a clone npm's marker is written when an installation is whole; an installed package has its packages. */
function isInstalled() {
  return (
    !existsSync(path.join(root, "package-lock.json")) ||
    existsSync(path.join(root, "node_modules", ".package-lock.json"))
  );
}

/** Resolves to what went wrong, if anything did. */
function installPackages(handOver) {
  console.error("Installing npm packages (once) ...");
  return new Promise((resolve) => {
    const npm = spawn("npm", ["ci", "--no-fund", "--no-audit", "--loglevel=error"], {
      cwd: root,
      stdio: ["ignore", 2, 2],
    });
    npm.once("spawn", () => handOver(npm.pid));
    npm.once("error", (error) => resolve(`npm, which comes with Node, cannot be run: ${error.message}`));
    npm.once("exit", (code) => {
      const advice = "Mend what it says above, then run the same command again.";
      resolve(code === 0 ? undefined : `\`npm ci\` failed in ${root}\n${advice}`);
    });
  });
}

/**
 * Two first commands would tear down each other's installation. The lock is a link that names a process: it is
 * made with its content at once. It is handed over to npm, which may outlive a command that is killed.
 */
async function withLock(work) {
  const lock = path.join(root, ".npm-ci.lock");
  await take(lock);
  try {
    return await work((pid) => {
      symlinkSync(String(pid), `${lock}.${process.pid}`);
      renameSync(`${lock}.${process.pid}`, lock);
    });
  } finally {
    rmSync(lock, { force: true });
  }
}

async function take(lock) {
  for (let told = false; ; ) {
    try {
      symlinkSync(String(process.pid), lock);
      return;
    } catch (error) {
      if (error.code !== "EEXIST") throw error;
    }
    const holder = holderOf(lock);
    if (holder === undefined) continue;
    if (!isAlive(Number(holder))) {
      removeStale(lock, holder);
      continue;
    }
    if (!told) console.error(`Waiting for process ${holder}, which installs npm packages (lock ${lock}) ...`);
    told = true;
    await new Promise((resolve) => setTimeout(resolve, 300));
  }
}

/** Aside first: what was taken over by another command meanwhile is put back. */
function removeStale(lock, holder) {
  const aside = `${lock}.${process.pid}`;
  try {
    renameSync(lock, aside);
  } catch (error) {
    if (error.code === "ENOENT") return;
    throw error;
  }
  if (holderOf(aside) === holder) unlinkSync(aside);
  else renameSync(aside, lock);
}

function holderOf(lock) {
  try {
    return readlinkSync(lock);
  } catch {
    return undefined;
  }
}

function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === "EPERM";
  }
}
