/** What a Spark driver on this machine needs: Python with Spark, a Java, and the archives of Kafka's connector. */
import path from "node:path";
import type { Progress } from "../../platform/progress.ts";
import type { Home } from "../home.ts";
import { type Jars, jars } from "./jars.ts";
import { requirePrerequisites } from "./prerequisites.ts";
import { sitePackages, sparkVenv } from "./python-packages.ts";
import { wheelJava } from "./wheel-java.ts";

export interface SparkInstallation {
  venv: string;
  /** Folder of the package `pyspark` in the venv */
  sparkHome: string;
  javaHome: string;
  jars: Jars;
}

/** Downloads what the cache does not hold yet. Throws EnvironmentError that names what the machine is missing. */
export async function installSpark(home: Home, progress: Progress): Promise<SparkInstallation> {
  const prerequisites = await requirePrerequisites(process.env);
  const javaHome = prerequisites.javaHome ?? (await wheelJava(home, prerequisites.python, progress));
  const venv = await sparkVenv(home, prerequisites.python, progress);
  const sparkHome = path.join(await sitePackages(venv), "pyspark");
  return { venv, sparkHome, javaHome, jars: await jars(home, javaHome, venv, progress) };
}
