/** A Python environment that travels to executors: a venv with what jobs import there, as one archive. */
import { copyFile, readFile, rm } from "node:fs/promises";
import path from "node:path";
import { EnvironmentError } from "../../errors.ts";
import { sha256 } from "../../platform/files.ts";
import { runCommand } from "../../platform/processes.ts";
import type { Progress } from "../../platform/progress.ts";
import { type Home, PACKAGE_ROOT } from "../home.ts";
import { once } from "./once.ts";
import { pythonVersion, venvWith } from "./python-packages.ts";

/** What the Spark image of docker-compose.yml installs, too. */
const LOCK = path.join(PACKAGE_ROOT, "docker", "spark", "requirements.lock");

/**
 * Path of a tar.gz whose `bin/python` runs wherever this machine's Python version is at the same place, as it is on
 * machines set up alike. For others there is an archive of one's own, or an image.
 */
export async function packedPython(home: Home, python: string, progress: Progress): Promise<string> {
  const lock = await readFile(LOCK, "utf8");
  const version = await pythonVersion(python);
  const folder = path.join(home.cache, `executor-python${version}-${sha256(lock).slice(0, 8)}`);
  const archive = path.join(folder, "environment.tar.gz");
  await once(
    folder,
    (made) =>
      progress.step("Python environment for executors (once)", async (step) => {
        const venv = path.join(made, "venv");
        await venvWith(python, venv, lock, step);
        // A link to the machine's Python would not be followed everywhere.
        const link = path.join(venv, "bin", "python");
        const { stdout } = await runCommand("readlink", ["-f", link]);
        await rm(link);
        await copyFile(stdout.trim(), link);
        step.update("packing");
        const packed = await runCommand("tar", [
          "-czf",
          path.join(made, "environment.tar.gz"),
          "-C",
          venv,
          ".",
        ]);
        if (!packed.ok) throw new EnvironmentError(`could not pack the Python environment: ${packed.stderr}`);
        await rm(venv, { recursive: true });
      }),
    progress,
  );
  return archive;
}
