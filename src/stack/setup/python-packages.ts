/** Virtual environments from lock files with hashes, by pip. */
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { EnvironmentError } from "../../errors.ts";
import { sha256 } from "../../platform/files.ts";
import { runCommand } from "../../platform/processes.ts";
import { mebibytes, type Progress, type Step } from "../../platform/progress.ts";
import type { Home } from "../home.ts";
import { isMade, once } from "./once.ts";

const LOCKS = fileURLToPath(new URL("../locks/", import.meta.url));
/** Of a Spark and what it needs beside it. */
interface SparkPackages {
  version: string;
  bytes: number;
  /** Begins the name of its venv. */
  name: string;
  lock(): Promise<string>;
}

const SPARK: SparkPackages = {
  version: "4.1.1",
  bytes: 455_359_625,
  name: "spark",
  lock: () => lockText("requirements.lock"),
};

/** Of the other packages it has the same. */
export const REALTIME_SPARK: SparkPackages = {
  version: "4.3.0",
  bytes: 455_910_862,
  name: "realtime-spark",
  lock: async () => {
    const [others] = split(await lockText("requirements.lock"), isPySpark);
    return `${others}\n${await lockText("realtime.lock")}`;
  },
};

function lockText(name: string): Promise<string> {
  return readFile(path.join(LOCKS, name), "utf8");
}

/** PySpark comes as source only: with its build tools from the lock, pip needs no others. */
function isPySpark(requirement: string): boolean {
  return requirement.startsWith("pyspark==");
}

/** Where a venv keeps its packages. */
export async function sitePackages(venv: string): Promise<string> {
  const lib = path.join(venv, "lib");
  const python = (await readdir(lib)).find((name) => name.startsWith("python")) ?? "python3";
  return path.join(lib, python, "site-packages");
}

/** Folder of the venv with Spark, made on first use. */
export async function sparkVenv(
  home: Home,
  python: string,
  progress: Progress,
  spark: SparkPackages = SPARK,
): Promise<string> {
  const lock = await spark.lock();
  const folder = await venvFolder(home, spark.name, lock, python);
  await once(
    folder,
    (venv) =>
      progress.step(`Spark ${spark.version} for Python (${mebibytes(spark.bytes)}, once)`, async (step) => {
        step.update("making a venv");
        await run(python, ["-m", "venv", venv], "make a Python venv");
        const [others, pyspark] = split(lock, isPySpark);
        step.update("installing the small packages");
        await pip(venv, others, ["--only-binary", ":all:"], step);
        await pip(venv, pyspark, ["--no-build-isolation"], step, spark.bytes);
      }),
    progress,
  );
  return folder;
}

/** The same, where it is there already. */
export async function presentSparkVenv(
  home: Home,
  python: string,
  spark: SparkPackages,
): Promise<string | undefined> {
  const folder = await venvFolder(home, spark.name, await spark.lock(), python);
  return isMade(folder) ? folder : undefined;
}

/** A venv with the wheels of a lock file. */
export async function toolsVenv(
  home: Home,
  python: string,
  name: string,
  lock: string,
  progress: Progress,
): Promise<string> {
  const folder = await venvFolder(home, name, lock, python);
  await once(
    folder,
    (venv) => progress.step(`${name} for Python (once)`, (step) => venvWith(python, venv, lock, step)),
    progress,
  );
  return folder;
}

/** Makes a venv in `folder` with the wheels of a lock file. */
export async function venvWith(python: string, folder: string, lock: string, step: Step): Promise<void> {
  await run(python, ["-m", "venv", folder], "make a Python venv");
  await pip(folder, lock, ["--only-binary", ":all:"], step);
}

async function venvFolder(home: Home, name: string, lock: string, python: string): Promise<string> {
  return path.join(home.cache, `${name}-python${await pythonVersion(python)}-${sha256(lock).slice(0, 8)}`);
}

/** `3.11` */
export async function pythonVersion(python: string): Promise<string> {
  const code = "import sys; print('%d.%d' % sys.version_info[:2])";
  return (await run(python, ["-c", code], "ask for Python's version")).trim();
}

/** Requirements (each with its hash lines) by whether they pass the test. */
function split(lock: string, test: (requirement: string) => boolean): [string, string] {
  const requirements = lock.split(/\n(?=\S)/);
  return [requirements.filter((r) => !test(r)).join("\n"), requirements.filter(test).join("\n")];
}

async function pip(
  venv: string,
  requirements: string,
  options: string[],
  step: Step,
  bytes?: number,
): Promise<void> {
  const scratch = await mkdtemp(path.join(venv, "pip-"));
  const file = path.join(scratch, "requirements.txt");
  await writeFile(file, `${requirements}\n`);
  const watch = bytes === undefined ? undefined : setInterval(() => void tell(scratch, bytes, step), 500);
  try {
    await run(
      path.join(venv, "bin", "python"),
      [
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        "--no-cache-dir",
        "--no-deps",
        "--require-hashes",
        ...options,
        "-r",
        file,
      ],
      "install Python packages",
      { ...process.env, TMPDIR: scratch },
    );
  } finally {
    clearInterval(watch);
    await rm(scratch, { recursive: true, force: true });
  }
}

/** pip tells nothing without a terminal; the file that it downloads into does. */
async function tell(scratch: string, bytes: number, step: Step): Promise<void> {
  try {
    for (const folder of await readdir(scratch)) {
      if (!folder.startsWith("pip-unpack-")) continue;
      for (const file of await readdir(path.join(scratch, folder))) {
        const { size } = await stat(path.join(scratch, folder, file));
        step.update(size < bytes ? `${mebibytes(size)} of ${mebibytes(bytes)} downloaded` : "installing");
      }
    }
  } catch {
    // The folder went away between two looks.
  }
}

async function run(
  command: string,
  args: string[],
  what: string,
  env: NodeJS.ProcessEnv = process.env,
): Promise<string> {
  const result = await runCommand(command, args, { env });
  if (result.ok) return result.stdout;
  const said = result.stderr.trim().split("\n").slice(-8).join("\n");
  throw new EnvironmentError(`could not ${what}:\n${said}`, {
    hint: "Check the network and the disk, then run the same command again: it goes on from what is whole.",
  });
}
