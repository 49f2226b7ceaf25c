/** How spark-submit is called: with the Spark of the cache, whatever the user's environment says of another. */
import path from "node:path";
import type { Home } from "../home.ts";
import { inState, LIBRARY } from "../home.ts";
import { jvmEnvironment, withoutSpark } from "../setup/java.ts";
import { ownClassPath, type SharedClasses } from "../setup/shared-classes.ts";
import type { SparkInstallation } from "../setup/spark.ts";
import type { SparkRuntime } from "../stack.ts";
import type { Tuning } from "../tuning.ts";

export function sparkRuntime(
  home: Home,
  installation: SparkInstallation,
  tuning: Tuning,
  shared?: SharedClasses,
): SparkRuntime {
  const { venv, sparkHome, javaHome, jars } = installation;
  const python = path.join(venv, "bin", "python");
  const tmp = inState.tmp(home);
  return {
    command: [path.join(sparkHome, "bin", "spark-submit")],
    driver: { kind: "local" },
    python,
    batchRecords: tuning.batchRecords,
    master: `local[${tuning.threads}]`,
    env: {
      ...withoutSpark(jvmEnvironment()),
      PATH: `${path.join(venv, "bin")}:${path.join(javaHome, "bin")}:${process.env.PATH ?? ""}`,
      JAVA_HOME: javaHome,
      // Its own search for it breaks on a path with a space.
      SPARK_HOME: sparkHome,
      PYSPARK_PYTHON: python,
      PYSPARK_DRIVER_PYTHON: python,
      SPARK_LOCAL_IP: "127.0.0.1",
      SPARK_LAUNCHER_OPTS: "-XX:-UsePerfData",
      // What a killed job leaves goes with the project.
      TMPDIR: tmp,
    },
    conf: {
      // Not `--jars`, which takes a comma or a bracket in a path for more than that.
      "spark.driver.extraClassPath": ownClassPath(jars, shared?.library ?? LIBRARY),
      // Two interfaces of Hadoop's, one class: see LocalDisk.java.
      "spark.hadoop.fs.file.impl": "cdcfeatures.LocalDisk",
      "spark.hadoop.fs.AbstractFileSystem.file.impl": "cdcfeatures.LocalDiskContext",
      "spark.driver.host": "127.0.0.1",
      "spark.driver.bindAddress": "127.0.0.1",
      "spark.sql.shuffle.partitions": String(tuning.partitions),
      "spark.driver.memory": `${tuning.driverMemoryMiB}m`,
      "spark.driver.extraJavaOptions": [
        ...tuning.jvm,
        "-XX:-UsePerfData",
        ...(shared === undefined ? [] : [quoted(`-XX:SharedArchiveFile=${shared.archive}`)]),
        quoted(`-Djava.io.tmpdir=${tmp}`),
      ].join(" "),
      "spark.local.dir": tmp,
      "spark.sql.warehouse.dir": path.join(tmp, "warehouse"),
    },
  };
}

/** The same for the Spark of real-time mode. */
export function realtimeRuntime(home: Home, installation: SparkInstallation, tuning: Tuning): SparkRuntime {
  const runtime = sparkRuntime(home, installation, tuning);
  // Real-time mode refuses a checkpoint of the first format.
  return {
    ...runtime,
    conf: { ...runtime.conf, "spark.sql.streaming.stateStore.checkpointFormatVersion": "2" },
  };
}

/** As Spark splits the options of a JVM. */
function quoted(option: string): string {
  return `"${option.replace(/[\\"]/g, "\\$&")}"`;
}
