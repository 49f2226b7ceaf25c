/** What a job is started by, and how its files reach its driver. */
import { copyFile, cp, mkdir, rm, stat, writeFile } from "node:fs/promises";
import path from "node:path";
import { execa } from "execa";
import type { Driver } from "../platform/driver.ts";
import { readIfExists } from "../platform/files.ts";
import { below } from "../platform/storage.ts";
import type { RunFolder } from "./run-folder.ts";
import { sparkSubmitArguments } from "./spark-submit.ts";

/** How spark-submit is called, see the stack's `SparkRuntime`. */
export interface Spark {
  command: string[];
  master: string;
  env: NodeJS.ProcessEnv;
  conf: Record<string, string>;
  options?: string[];
  driver: Driver;
  batchRecords: number;
  clear?(): Promise<void>;
}

export interface JobFiles {
  /** What the job is of, in messages. */
  featureSet: string;
  folder: Pick<RunFolder, "folder" | "script" | "settings">;
  /** Folder that holds the Python package cdc_features. */
  pythonPath: string;
}

export interface CommandLine {
  command: string;
  args: string[];
  /** For standard input. */
  files?: Buffer;
}

/** Pure; `bytes` is the size of the files that go to a container by standard input. */
export function commandLine(spark: Spark, job: JobFiles, bytes = 0): CommandLine {
  const { driver } = spark;
  const { script, settings } = job.folder;
  const name = `cdc-features ${job.featureSet}`;
  const [command = "", ...before] = spark.command;
  const submission = (more: string[], primary: string[]) => [
    ...before,
    ...(driver.kind === "container" ? [String(bytes)] : []),
    ...sparkSubmitArguments({ ...spark, options: [...(spark.options ?? []), ...more], name, primary }),
  ];
  switch (driver.kind) {
    case "local":
      return { command, args: submission([], [script, settings]) };
    case "container": {
      const there = [script, settings].map((file) => path.posix.join(driver.inbox, path.basename(file)));
      return { command, args: submission([], there) };
    }
    case "uploaded":
      return {
        command,
        args: submission(
          ["--files", [settings, ...(driver.files ?? [])].join(",")],
          [script, path.basename(settings)],
        ),
      };
    case "shared": {
      // Spark takes Python in a standalone cluster's driver only by the class that it itself starts it with.
      const at = (file: string) => below(driver.folder, path.basename(file));
      const jar = below(driver.folder, "cdc_features", "records.jar");
      const python = [at(script), driver.folder, at(settings)];
      return {
        command,
        args: submission(["--class", "org.apache.spark.deploy.PythonRunner"], [jar, ...python]),
      };
    }
  }
}

/** Of the command. To a driver elsewhere Spark would hand on this machine's path, before that of the library sent along. */
export function environmentOf({ env, driver }: Spark, { pythonPath }: JobFiles): NodeJS.ProcessEnv {
  const { PYTHONPATH: _, ...rest } = env;
  return driver.kind === "local" ? { ...rest, PYTHONPATH: pythonPath } : rest;
}

/** They hold passwords, and are of no use after the job; those of a run that has begun meanwhile are. */
export async function removeSharedSettings({ folder }: { folder: string }, runId: string): Promise<void> {
  const file = path.join(folder, "settings.json");
  if ((await readIfExists(file))?.includes(runId)) await rm(file, { force: true });
}

/** Brings the job's files to where the command line names them. */
export async function prepareFiles(spark: Spark, job: JobFiles): Promise<CommandLine> {
  const { driver } = spark;
  if (driver.kind === "container") {
    const files = await packed(job);
    return { ...commandLine(spark, job, files.length), files };
  }
  if (driver.kind === "shared") {
    const jars = path.join(driver.folder, "jars");
    await mkdir(path.dirname(driver.folder), { recursive: true });
    await mkdir(driver.folder, { recursive: true, mode: 0o700 });
    await mkdir(jars, { recursive: true });
    for (const jar of driver.jars) await copyFile(jar, path.join(jars, path.basename(jar)));
    if (driver.archive !== undefined) await unpack(driver.archive, path.join(driver.folder, "environment"));
    await cp(path.join(job.pythonPath, "cdc_features"), path.join(driver.folder, "cdc_features"), {
      recursive: true,
    });
    for (const file of [job.folder.script, job.folder.settings])
      await copyFile(file, path.join(driver.folder, path.basename(file)));
  }
  return commandLine(spark, job);
}

/** Unless it was unpacked before. */
async function unpack(archive: string, folder: string): Promise<void> {
  const marker = path.join(folder, ".unpacked");
  const { size, mtimeMs } = await stat(archive);
  const now = `${archive} ${size} ${mtimeMs}`;
  if ((await readIfExists(marker)) === now) return;
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder);
  await execa("tar", ["-xf", archive, "-C", folder], { stdin: "ignore" });
  await writeFile(marker, now);
}

/** The job, its settings and its library as a tar archive. */
async function packed({ folder: { folder, script, settings }, pythonPath }: JobFiles): Promise<Buffer> {
  const names = [script, settings].map((file) => path.relative(folder, file));
  // Without what a Mac adds of its own.
  const env = { COPYFILE_DISABLE: "1" };
  const { stdout } = await execa(
    "tar",
    ["-cf", "-", "-C", folder, ...names, "-C", pythonPath, "--exclude", "__pycache__", "cdc_features"],
    { encoding: "buffer", env, stdin: "ignore" },
  );
  return Buffer.from(stdout);
}
