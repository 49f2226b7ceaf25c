/** How spark-submit is called for a profile. Pure, so that it can be shown without calling it. */
import path from "node:path";
import { UsageError } from "../../errors.ts";
import type { Driver } from "../../platform/driver.ts";
import { below, isUri } from "../../platform/storage.ts";
import { LIBRARY } from "../home.ts";
import type { SparkInstallation } from "../setup/spark.ts";
import type { SparkRuntime } from "../stack.ts";
import { BATCH_RECORDS } from "../tuning.ts";
import type { Profile } from "./profile.ts";

/** Spark's own, which names of settings hide their values in its web interface and logs. */
const REDACTED = "(?i)secret|password|token|access[.]?key";

export interface Submitting {
  profile: Profile;
  installation: SparkInstallation;
  /** Path or URI of the Python environment that travels; undefined where none does. */
  archive: string | undefined;
  /** Kafka's connector. */
  connector: string[];
  /** File that takes the settings: values may be secrets, and arguments are seen by everybody on a machine. */
  propertiesFile: string;
  /** Takes the library as a zip, for a driver elsewhere. */
  libraryZip: string;
  featureSet: string;
}

export function sparkRuntimeOf(submitting: Submitting, inherited: NodeJS.ProcessEnv): SparkRuntime {
  const { profile, installation, propertiesFile, libraryZip } = submitting;
  const { spark } = profile;
  const home = spark.home ?? installation.sparkHome;
  const driver = driverOf(submitting);
  const python = pythonOf(submitting);
  return {
    command: [path.join(home, "bin", "spark-submit")],
    master: spark.master,
    driver,
    batchRecords: BATCH_RECORDS,
    conf: {},
    options: [
      ...["--deploy-mode", spark.deploy_mode],
      ...["--properties-file", propertiesFile],
      ...(spark.home === undefined ? [] : ["--load-spark-defaults"]),
      ...["--jars", jarsFor(driver, submitting).join(",")],
      ...(spark.packages.length === 0 ? [] : ["--packages", spark.packages.join(",")]),
      ...(driver.kind === "uploaded"
        ? ["--py-files", [libraryZip, ...listIn(spark.conf, "spark.submit.pyFiles")].join(",")]
        : []),
      ...spark.options,
    ],
    env: {
      ...inherited,
      PATH: `${path.join(installation.venv, "bin")}:${path.join(installation.javaHome, "bin")}:${inherited.PATH ?? ""}`,
      JAVA_HOME: installation.javaHome,
      SPARK_HOME: home,
      PYSPARK_DRIVER_PYTHON: python.driver,
      PYSPARK_PYTHON: python.executors,
      ...spark.env,
    },
    secrets: profile.secrets,
  };
}

/** With those of `spark.jars`, which the option would replace. */
function jarsOf({ connector, profile: { spark } }: Submitting): string[] {
  return [LIBRARY, ...connector, ...spark.jars, ...listIn(spark.conf, "spark.jars")];
}

function jarsFor(driver: Driver, submitting: Submitting): string[] {
  const jars = jarsOf(submitting);
  if (driver.kind !== "shared") return jars;
  return jars.map((jar) => (isUri(jar) ? jar : below(driver.folder, "jars", path.basename(jar))));
}

function listIn(conf: Record<string, string>, name: string): string[] {
  return (conf[name] ?? "").split(",").filter((one) => one !== "");
}

/** Settings of Spark: what the profile says, over what a job needs. */
export function sparkProperties(submitting: Submitting): Record<string, string> {
  const { profile } = submitting;
  const archive = driverOf(submitting).kind === "shared" ? undefined : submitting.archive;
  const { spark } = profile;
  const python = pythonOf(submitting);
  const waits = spark.master.startsWith("k8s:")
    ? "spark.kubernetes.submission.waitAppCompletion"
    : "spark.standalone.submit.waitAppCompletion";
  // On YARN the other one makes a driver here send it once more, to executors that have it.
  const archives = spark.master === "yarn" ? "spark.yarn.dist.archives" : "spark.archives";
  // Among those of the other name Spark would put these in the place of ours.
  const { "spark.archives": _, ...withoutArchives } = spark.conf;
  const conf = archive === undefined ? spark.conf : withoutArchives;
  return {
    "spark.pyspark.python": python.executors,
    "spark.pyspark.driver.python": python.driver,
    ...(spark.deploy_mode === "cluster" && spark.master !== "yarn" && { [waits]: "true" }),
    ...conf,
    ...(archive !== undefined && {
      [archives]: [
        `${archive}#environment`,
        ...[...new Set([archives, "spark.archives"])].flatMap((name) => listIn(spark.conf, name)),
      ].join(","),
    }),
    "spark.redaction.regex": [
      spark.conf["spark.redaction.regex"] ?? REDACTED,
      ...spark.secretConf.map((name) => `^\\Q${name}\\E$`),
    ].join("|"),
  };
}

/** As a file of Java's properties. */
export function propertiesText(properties: Record<string, string>): string {
  const escaped = (text: string) =>
    text.replace(/[\\\n\r\t]/g, (one) => ESCAPES[one] ?? one).replace(/^ /, "\\ ");
  return Object.entries(properties)
    .sort(([a], [b]) => a.localeCompare(b))
    .map(([name, value]) => `${escaped(name).replace(/[ =:#!]/g, "\\$&")}=${escaped(value)}\n`)
    .join("");
}

const ESCAPES: Record<string, string> = { "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t" };

function pythonOf(submitting: Submitting): { driver: string; executors: string } {
  const { profile, installation, archive } = submitting;
  const { spark } = profile;
  const driver = driverOf(submitting);
  const own = path.join(installation.venv, "bin", "python");
  const unpacked = `${driver.kind === "shared" ? driver.folder : "."}/environment/bin/python`;
  const there = "executable" in spark.python ? spark.python.executable : unpacked;
  const executors = archive === undefined && !("executable" in spark.python) ? own : there;
  return { driver: spark.deploy_mode === "cluster" ? executors : own, executors };
}

function driverOf(submitting: Submitting): Driver {
  const { featureSet, archive } = submitting;
  const { spark, places } = submitting.profile;
  if (spark.deploy_mode === "client") return { kind: "local" };
  if (spark.master.startsWith("local")) {
    throw new UsageError(`Spark's master ${spark.master} is this machine and has no deploy mode cluster`, {
      hint: "Leave out spark.deploy_mode.",
    });
  }
  const upload = "spark.kubernetes.file.upload.path";
  if (spark.master.startsWith("k8s:") && spark.conf[upload] === undefined) {
    throw new UsageError(
      `for a driver in Kubernetes Spark uploads the job's files to ${upload}, which is not set`,
      {
        hint: `Let spark.conf.${upload} of the profile be a folder that driver and executors reach, such as s3a://bucket/folder.`,
      },
    );
  }
  if (!spark.master.startsWith("spark:"))
    return { kind: "uploaded", files: listIn(spark.conf, "spark.files") };
  if (!places.checkpoints.startsWith("/")) {
    throw new UsageError(
      "in a standalone cluster Spark does not upload the files of a Python driver, so that cluster mode needs a shared folder",
      {
        hint: "Let storage.checkpoints be a folder that this machine and all workers share, or take spark.deploy_mode: client.",
      },
    );
  }
  const [secret] = spark.secretConf;
  if (secret !== undefined) {
    throw new UsageError(
      `to a driver in a standalone cluster Spark hands all settings as arguments of its process, where everybody on that machine could read the secret in spark.conf.${secret}`,
      { hint: "Take spark.deploy_mode: client, or give the workers the secret in their own configuration." },
    );
  }
  if (archive !== undefined && isUri(archive)) {
    throw new UsageError(
      "a standalone cluster unpacks no archive for a driver, and this machine unpacks files only",
      {
        hint: "Let spark.python.archive be a path, or name an executable that the workers have.",
      },
    );
  }
  return {
    kind: "shared",
    folder: below(places.checkpoints, featureSet, "driver"),
    jars: jarsOf(submitting).filter((jar) => !isUri(jar)),
    ...(archive !== undefined && { archive }),
  };
}
