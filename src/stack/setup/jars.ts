/**
 * Java archives by the Ivy that ships with PySpark, so that no Maven is needed. Every archive is named in a
 * lock file, resolved without POMs, and checked against its SHA-256 before it counts.
 */
import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { z } from "zod";
import { EnvironmentError } from "../../errors.ts";
import { sha256, sha256OfFile } from "../../platform/files.ts";
import { runCommand } from "../../platform/processes.ts";
import { mebibytes, type Progress } from "../../platform/progress.ts";
import type { Home } from "../home.ts";
import { javaCommand, jvmEnvironment } from "./java.ts";
import { javaProxyOptions } from "./java-proxy.ts";
import { isMade, once } from "./once.ts";
import { sitePackages } from "./python-packages.ts";

const RESOLVERS = 2;

const archive = z.object({
  org: z.string(),
  name: z.string(),
  rev: z.string(),
  sha256: z.string(),
  bytes: z.number(),
});
/** By the folder that they go to. */
const lockFile = z.partialRecord(z.enum(["kafka", "spark"]), z.array(archive));
type Archive = z.infer<typeof archive>;

export interface Jars {
  /** Folder with Kafka, Kafka Connect and Debezium */
  kafka: string;
  /** Folder with Spark's Kafka connector */
  spark: string;
}

export async function jars(home: Home, java: string, venv: string, progress: Progress): Promise<Jars> {
  const folder = await retrieved("jars.json", "Kafka and Debezium", { home, java, venv, progress });
  return { kafka: path.join(folder, "kafka"), spark: path.join(folder, "spark") };
}

/** The folder of Kafka's connector for the Spark of real-time mode. */
export async function realtimeJars(
  home: Home,
  java: string,
  venv: string,
  progress: Progress,
): Promise<string> {
  const what = "Kafka for Spark's real-time mode";
  return path.join(await retrieved(REALTIME_LOCK, what, { home, java, venv, progress }), "spark");
}

const REALTIME_LOCK = "realtime-jars.json";

/** The same, where it is there already. */
export async function presentRealtimeJars(home: Home): Promise<string | undefined> {
  const folder = folderOf(home, await lockText(REALTIME_LOCK));
  return isMade(folder) ? path.join(folder, "spark") : undefined;
}

function lockText(name: string): Promise<string> {
  return readFile(new URL(`../locks/${name}`, import.meta.url), "utf8");
}

function folderOf({ cache }: Home, lock: string): string {
  return path.join(cache, `jars-${sha256(lock).slice(0, 8)}`);
}

interface Retrieval {
  home: Home;
  java: string;
  /** Its PySpark has the Ivy. */
  venv: string;
  progress: Progress;
}

/** Folder with a folder for each group of a lock file, made on first use. */
async function retrieved(
  lockName: string,
  what: string,
  { home, java, venv, progress }: Retrieval,
): Promise<string> {
  const text = await lockText(lockName);
  const lock = lockFile.parse(JSON.parse(text));
  const folder = folderOf(home, text);
  const all = Object.values(lock).flat();
  const bytes = all.reduce((sum, one) => sum + one.bytes, 0);
  await once(
    folder,
    (made) =>
      progress.step(`${what} (${all.length} archives, ${mebibytes(bytes)}, once)`, async (step) => {
        const ivy = await findIvy(venv);
        const work = path.join(made, "work");
        await mkdir(work, { recursive: true });
        const settings = path.join(work, "settings.xml");
        await writeFile(settings, await settingsXml());
        let done = 0;
        for (const [group, archives] of Object.entries(lock)) {
          const shards = Array.from({ length: RESOLVERS }, (_, i) =>
            archives.filter((_, j) => j % RESOLVERS === i),
          );
          const target = path.join(made, group);
          await Promise.all(
            shards.map((shard, i) =>
              retrieve(java, ivy, settings, path.join(work, `${group}-${i}`), target, shard),
            ),
          );
          done += archives.length;
          step.update(`${done} of ${all.length}`);
          await verifyAll(target, archives);
        }
        await rm(work, { recursive: true });
      }),
    progress,
  );
  return folder;
}

/** Paths of the archives of Spark's Kafka connector. */
export async function connectorJars({ spark }: Jars): Promise<string[]> {
  return (await readdir(spark))
    .filter((name) => name.endsWith(".jar"))
    .sort()
    .map((name) => path.join(spark, name));
}

async function findIvy(venv: string): Promise<string> {
  const folder = path.join(await sitePackages(venv), "pyspark", "jars");
  const ivy = (await readdir(folder)).find((name) => /^ivy-.*\.jar$/.test(name));
  if (ivy !== undefined) return path.join(folder, ivy);
  throw new EnvironmentError(`no Ivy in ${venv}`, {
    hint: "Remove that folder and run `cdc-features up` again.",
  });
}

/** Ivy's own default repository; CDC_FEATURES_IVY_SETTINGS names a settings file for a mirror. */
async function settingsXml(): Promise<string> {
  const own = process.env.CDC_FEATURES_IVY_SETTINGS;
  if (own) return readFile(own, "utf8");
  // The lock has every archive and its hash: neither POMs nor checksum files are asked for.
  return `<ivysettings><settings defaultResolver="default"/><resolvers>
<ibiblio name="default" m2compatible="true" usepoms="false" useMavenMetadata="false" checkmodified="false" checksums=""/>
</resolvers></ivysettings>`;
}

async function retrieve(
  java: string,
  ivy: string,
  settings: string,
  work: string,
  target: string,
  archives: Archive[],
): Promise<void> {
  if (archives.length === 0) return;
  await mkdir(work, { recursive: true });
  const file = path.join(work, "ivy.xml");
  const dependencies = archives.map(
    ({ org, name, rev }) =>
      `<dependency org="${org}" name="${name}" rev="${rev}" conf="default->default" transitive="false"/>`,
  );
  await writeFile(
    file,
    `<ivy-module version="2.0"><info organisation="cdc-features" module="jars"/><configurations><conf name="default"/></configurations>
<dependencies>${dependencies.join("\n")}</dependencies></ivy-module>`,
  );
  const result = await runCommand(
    javaCommand(java),
    [
      ...["-XX:-UsePerfData", `-Djava.io.tmpdir=${work}`, ...javaProxyOptions(process.env)],
      ...["-jar", ivy, "-settings", settings, "-cache", path.join(work, "cache"), "-ivy", file],
      ...["-retrieve", path.join(target, "[artifact]-[revision].[ext]")],
    ],
    { env: jvmEnvironment() },
  );
  if (!result.ok) {
    const said = `${result.stdout}\n${result.stderr}`
      .split("\n")
      .filter((line) => /ERROR|WARN|UNRESOLVED|not found|FAILED/i.test(line));
    throw new EnvironmentError(`could not download the Java archives:\n${said.slice(0, 6).join("\n")}`, {
      hint: "Check the network and run the same command again. Behind a mirror, name an Ivy settings file in CDC_FEATURES_IVY_SETTINGS.",
    });
  }
}

async function verifyAll(folder: string, archives: Archive[]): Promise<void> {
  for (const { name, rev, sha256: expected } of archives) {
    const file = path.join(folder, `${name}-${rev}.jar`);
    const actual = await sha256OfFile(file);
    if (actual !== expected) {
      throw new EnvironmentError(
        `${name}-${rev}.jar has the SHA-256 ${actual}, the lock file says ${expected}`,
        {
          hint: "The download is damaged or not the pinned one. Run the same command again.",
        },
      );
    }
  }
}
