import { afterEach, expect, it, vi } from "vitest";
import { realtimeRuntime, sparkRuntime } from "../../../src/stack/embedded/spark-runtime.ts";
import { homeOf } from "../../../src/stack/home.ts";
import { jvmOptions, realtimeTuningOf, tuningOf } from "../../../src/stack/tuning.ts";

afterEach(() => vi.unstubAllEnvs());

const INSTALLATION = {
  venv: "/my cache/venv",
  sparkHome: "/my cache/venv/pyspark",
  javaHome: "/java",
  jars: { kafka: "/k", spark: "/s" },
};

const GIB = 1024 ** 3;

function tuning({ continuous = false, cores = 2, memory = 24 }: Partial<Asked> = {}) {
  return tuningOf({ cores, memoryBytes: memory * GIB }, { continuous, records: 0 });
}

interface Asked {
  continuous: boolean;
  cores: number;
  memory: number;
}

it("threads, partitions, memory and batches follow the machine, within bounds", () => {
  const { jvm: _, ...here } = tuning();
  expect(here).toEqual({ threads: 2, partitions: 2, driverMemoryMiB: 4096, batchRecords: 1_000_000 });
  expect(tuning({ cores: 1, memory: 4 })).toMatchObject({ threads: 1, partitions: 1, driverMemoryMiB: 1024 });
  expect(tuning({ cores: 1, memory: 8 })).toMatchObject({ driverMemoryMiB: 1365, batchRecords: 682_500 });
  expect(tuning({ cores: 64, memory: 512 })).toMatchObject({
    threads: 8,
    partitions: 4,
    driverMemoryMiB: 4096,
  });
});

it("spark-submit gets the Spark of the cache, whatever the environment says of another", () => {
  for (const [name, value] of Object.entries({
    PYSPARK_DRIVER_PYTHON: "jupyter",
    PYSPARK_DRIVER_PYTHON_OPTS: "notebook",
    SPARK_HOME: "/opt/spark",
    SPARK_CONF_DIR: "/etc/spark",
    SPARK_LOCAL_DIRS: "/elsewhere",
    HTTPS_PROXY: "http://proxy:3128",
  })) {
    vi.stubEnv(name, value);
  }
  const { command, env, conf } = sparkRuntime(homeOf("/a project", {}), INSTALLATION, tuning());
  expect(command).toEqual(["/my cache/venv/pyspark/bin/spark-submit"]);
  expect(env).toMatchObject({
    SPARK_HOME: "/my cache/venv/pyspark",
    PYSPARK_PYTHON: "/my cache/venv/bin/python",
    PYSPARK_DRIVER_PYTHON: "/my cache/venv/bin/python",
    HTTPS_PROXY: "http://proxy:3128",
  });
  expect(Object.keys(env)).not.toEqual(
    expect.arrayContaining([expect.stringMatching(/CONF_DIR|LOCAL_DIRS|PYTHON_OPTS/)]),
  );
  expect(conf["spark.driver.extraJavaOptions"]).toContain('"-Djava.io.tmpdir=/a project/.cdc-features/tmp"');
});

function jvm(load: { continuous?: boolean; records?: number }) {
  return tuningOf({ cores: 2, memoryBytes: 24 * GIB }, { continuous: false, records: 0, ...load }).jvm;
}

it("only a run that lasts gets the JVM's optimising compiler", () => {
  for (const load of [{}, { records: 150_001 }, { records: 2_000_000 }])
    expect(jvm(load)).toContain("-XX:TieredStopAtLevel=1");
  for (const load of [{ continuous: true }, { records: 2_000_001 }])
    expect(jvm(load).join(" ")).not.toContain("TieredStopAtLevel");
});

it("only a run of few records gets the collector of small heaps", () => {
  expect(jvm({ records: 150_000 })).toContain("-XX:+UseSerialGC");
  for (const load of [{ continuous: true }, { records: 150_001 }])
    expect(jvm(load)).toEqual(expect.arrayContaining(["-XX:+UseParallelGC", "-XX:NewRatio=1"]));
});

it("a heap that Spark finds too small with a large young generation gets the collector of small heaps", () => {
  for (const load of [
    { continuous: true, records: 0 },
    { continuous: false, records: 1_000_000 },
  ]) {
    expect(jvmOptions(load, 1023)).toContain("-XX:+UseSerialGC");
    expect(jvmOptions(load, 1023).join(" ")).not.toMatch(/ParallelGC|NewRatio/);
    expect(jvmOptions(load, 1024)).toContain("-XX:+UseParallelGC");
  }
});

it("shared classes go with the job's Java that they were made with", () => {
  const shared = { archive: "/my cache/classes/classes.jsa", library: "/my cache/classes/records.jar" };
  const { conf } = sparkRuntime(homeOf("/project", {}), INSTALLATION, tuning(), shared);
  expect(conf["spark.driver.extraClassPath"]).toBe("/s/*:/my cache/classes/records.jar");
  expect(conf["spark.driver.extraJavaOptions"]).toContain(
    '"-XX:SharedArchiveFile=/my cache/classes/classes.jsa"',
  );
  const without = sparkRuntime(homeOf("/project", {}), INSTALLATION, tuning()).conf;
  expect(without["spark.driver.extraJavaOptions"]).not.toContain("SharedArchiveFile");
});

it("real-time mode gets a thread for each partition of topic and state and two beside them, however few cores there are", () => {
  const threads = (topicPartitions: number, cores = 2) =>
    realtimeTuningOf({ cores, memoryBytes: 24 * GIB }, { continuous: true, records: 0, topicPartitions });
  expect(threads(2)).toMatchObject({ threads: 5, partitions: 1, driverMemoryMiB: 4096 });
  expect(threads(1)).toMatchObject({ threads: 5 });
  expect(threads(12, 64)).toMatchObject({ threads: 15, partitions: 1 });
  const runtime = realtimeRuntime(homeOf("/project", {}), INSTALLATION, threads(2));
  expect(runtime.master).toBe("local[5]");
  expect(runtime.conf).toMatchObject({
    "spark.sql.shuffle.partitions": "1",
    "spark.sql.streaming.stateStore.checkpointFormatVersion": "2",
  });
});
