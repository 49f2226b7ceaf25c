/** The Spark of real-time mode: another version than that of micro-batches, set up when it is first asked for. */
import { rm } from "node:fs/promises";
import path from "node:path";
import { CdcFeaturesError, EnvironmentError } from "../../errors.ts";
import { readIfExists, writeFileAtomic } from "../../platform/files.ts";
import { mebibytes, type Progress } from "../../platform/progress.ts";
import type { Home } from "../home.ts";
import type { Check } from "../stack.ts";
import { presentRealtimeJars, realtimeJars } from "./jars.ts";
import { findPython } from "./machine.mjs";
import {
  presentSparkVenv,
  pythonVersion,
  REALTIME_SPARK,
  sitePackages,
  sparkVenv,
} from "./python-packages.ts";
import type { SparkInstallation } from "./spark.ts";

/** What differs from the Spark of micro-batches. */
export interface RealtimeInstallation {
  venv: string;
  sparkHome: string;
  /** Folder with Kafka's connector. */
  jars: string;
}

/** The least that it runs on. */
const PYTHON = [3, 11] as const;

const NAME = `Spark ${REALTIME_SPARK.version} for real-time mode`;

/** Downloads what the cache does not hold yet. Throws EnvironmentError that says what cannot be had. */
export async function installRealtimeSpark(
  home: Home,
  { javaHome }: Pick<SparkInstallation, "javaHome">,
  progress: Progress,
): Promise<RealtimeInstallation> {
  try {
    const python = await fittingPython();
    const venv = await sparkVenv(home, python, progress, REALTIME_SPARK);
    const jars = await realtimeJars(home, javaHome, venv, progress);
    await rm(noteOf(home), { force: true });
    return { venv, sparkHome: path.join(await sitePackages(venv), "pyspark"), jars };
  } catch (cause) {
    if (!(cause instanceof CdcFeaturesError)) throw cause;
    await writeFileAtomic(noteOf(home), cause.message);
    throw new EnvironmentError(`${NAME} cannot be set up: ${cause.message}`, {
      hint: `${cause.hint ?? ""}\nMicro-batches need none of it: \`run SET --mode micro-batch\`.`.trim(),
      cause,
    });
  }
}

/** Undefined where it, or a part of it, is not there. */
export async function presentRealtimeSpark(home: Home): Promise<RealtimeInstallation | undefined> {
  const python = findPython(process.env)?.command;
  const venv = python && (await presentSparkVenv(home, python, REALTIME_SPARK));
  const jars = await presentRealtimeJars(home);
  if (!venv || jars === undefined) return undefined;
  return { venv, sparkHome: path.join(await sitePackages(venv), "pyspark"), jars };
}

/** No run in micro-batches needs it: nothing is wrong without. */
export async function checkRealtimeSpark(home: Home): Promise<Check> {
  const found = async () => {
    if ((await presentRealtimeSpark(home)) !== undefined) return `${REALTIME_SPARK.version}, installed`;
    const python = await fittingPython().catch((error: Error) => error);
    if (python instanceof Error) return `unavailable: ${python.message}`;
    const failure = (await readIfExists(noteOf(home)))?.split("\n")[0];
    return failure === undefined
      ? `not installed; ${mebibytes(REALTIME_SPARK.bytes)} will be downloaded by the first \`run --mode realtime\``
      : `unavailable when it was last tried: ${failure}`;
  };
  return { name: "real-time mode", ok: true, found: await found(), hint: undefined };
}

/** Why it could not be set up the last time. */
function noteOf({ cache }: Home): string {
  return path.join(cache, "realtime-spark.failure");
}

async function fittingPython(): Promise<string> {
  const python = findPython(process.env)?.command;
  if (python === undefined) throw new EnvironmentError("there is no Python");
  const version = await pythonVersion(python);
  const [major = 0, minor = 0] = version.split(".").map(Number);
  if (major > PYTHON[0] || minor >= PYTHON[1]) return python;
  throw new EnvironmentError(`it needs Python ${PYTHON.join(".")} or later, and ${python} is ${version}`, {
    hint: "CDC_FEATURES_PYTHON names another Python.",
  });
}
