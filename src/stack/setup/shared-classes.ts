/**
 * Class data sharing for Spark's driver: its twenty thousand classes as an image that the JVM maps, instead of reading and
 * checking each of them out of three hundred archives at every start. Measured in docs/tuning.md.
 *
 * The image belongs to one Java, one Spark and one build of the job's Java, and a JVM takes it only with the same class
 * path. So a copy of the job's Java stands beside it, and each combination has its own. Making it takes a minute of CPU
 * time and 200 MB: a process does it that nobody waits for, and until then, or where it cannot be made, runs go without.
 */
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { copyFile, readFile, realpath, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { gunzipSync } from "node:zlib";
import { readIfExists, sha256, sha256OfFile } from "../../platform/files.ts";
import { type CommandResult, runCommand } from "../../platform/processes.ts";
import { type Home, LIBRARY, PACKAGE_ROOT } from "../home.ts";
import type { Jars } from "./jars.ts";
import { javaCommand, jvmEnvironment, withoutSpark } from "./java.ts";
import { isMade, once } from "./once.ts";
import type { SparkInstallation } from "./spark.ts";

export interface SharedClasses {
  /** For `-XX:SharedArchiveFile` */
  archive: string;
  /** The copy of the job's Java that goes with it */
  library: string;
}

/** As a JVM wrote it (`-XX:DumpLoadedClassList`) that ran a job; what it names and is not there does no harm. */
const LIST = path.join(PACKAGE_ROOT, "spark-jobs", "jvm", "classes.txt.gz");

/** Where it has been made. */
export async function sharedClasses(
  home: Home,
  installation: SparkInstallation,
): Promise<SharedClasses | undefined> {
  try {
    const folder = await folderOf(home, installation);
    if (!isMade(folder)) return undefined;
    // Not by the link, which is no part of the class path that it was made with.
    const files = filesIn(await realpath(folder));
    return existsSync(files.archive) ? files : undefined;
  } catch {
    // Somebody takes the cache away: a run does without.
    return undefined;
  }
}

/** Has a process of its own make it, unless it is there. */
export async function shareClassesLater(home: Home, installation: SparkInstallation): Promise<void> {
  const folder = await folderOf(home, installation).catch(() => undefined);
  if (folder === undefined || isMade(folder)) return;
  const script = fileURLToPath(new URL("share-classes.ts", import.meta.url));
  const started = spawn(
    process.execPath,
    ["--import", import.meta.resolve("tsx"), script, JSON.stringify({ home, installation })],
    { cwd: PACKAGE_ROOT, detached: true, stdio: "ignore" },
  );
  started.on("error", () => {});
  started.unref();
}

/** Makes it. Where Java cannot, the folder says why and counts as made: the next run need not try again. */
export async function shareClasses(home: Home, installation: SparkInstallation): Promise<void> {
  await once(await folderOf(home, installation), async (attempt) => {
    const folder = await realpath(attempt);
    const { archive, library } = filesIn(folder);
    await copyFile(LIBRARY, library);
    const list = path.join(folder, "classes.txt");
    await writeFile(list, gunzipSync(await readFile(LIST)));
    const launched = await launcher(installation, library);
    const told = launched.ok
      ? await dump(installation, list, archive, classPathIn(launched.stdout))
      : launched;
    await rm(list);
    if (told.ok) return;
    if (told.exitCode === undefined) throw new Error("killed: the next `up` tries again");
    await rm(archive, { force: true });
    await writeFile(path.join(folder, "failed.log"), `${told.stdout}\n${told.stderr}`);
  });
}

function dump(
  { javaHome }: SparkInstallation,
  list: string,
  archive: string,
  classPath: string,
): Promise<CommandResult> {
  return runCommand(
    javaCommand(javaHome),
    [
      ...["-Xshare:dump", `-XX:SharedClassListFile=${list}`, `-XX:SharedArchiveFile=${archive}`],
      ...["-Xmx1g", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-XX:-UsePerfData", "-cp", classPath],
    ],
    { env: jvmEnvironment() },
  );
}

/** What stands before the class path of Spark itself. */
export function ownClassPath(jars: Jars, library: string): string {
  return `${jars.spark}/*:${library}`;
}

/** Has Spark say how it would start a driver: the class path is to be the same to the letter. */
function launcher({ javaHome, sparkHome, jars }: SparkInstallation, library: string): Promise<CommandResult> {
  return runCommand(
    javaCommand(javaHome),
    [
      ...["-cp", `${sparkHome}/jars/*`, "org.apache.spark.launcher.Main"],
      ...["org.apache.spark.deploy.SparkSubmit", "--conf"],
      ...[`spark.driver.extraClassPath=${ownClassPath(jars, library)}`, "job.py"],
    ],
    {
      // The last as spark-submit's own scripts have it.
      env: {
        ...withoutSpark(jvmEnvironment()),
        SPARK_HOME: sparkHome,
        JAVA_HOME: javaHome,
        SPARK_SCALA_VERSION: "2.13",
      },
    },
  );
}

/** Arguments, each with a zero behind it. */
function classPathIn(command: string): string {
  const parts = command.split("\0");
  return parts[parts.indexOf("-cp") + 1] ?? "";
}

function filesIn(folder: string): SharedClasses {
  return { archive: path.join(folder, "classes.jsa"), library: path.join(folder, "records.jar") };
}

async function folderOf({ cache }: Home, { javaHome, venv, jars }: SparkInstallation): Promise<string> {
  const of = [
    javaHome,
    await readIfExists(path.join(javaHome, "release")),
    await realpath(venv),
    await realpath(jars.spark),
    await sha256OfFile(LIBRARY),
    await sha256OfFile(LIST),
  ];
  return path.join(cache, `classes-${sha256(JSON.stringify(of)).slice(0, 8)}`);
}
