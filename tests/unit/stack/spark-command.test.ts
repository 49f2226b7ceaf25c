/** What spark-submit is called with on clusters that cannot be had here: the exact arguments. */
import { describe, expect, it } from "vitest";
import type { Profile } from "../../../src/stack/external/profile.ts";
import {
  propertiesText,
  type Submitting,
  sparkProperties,
  sparkRuntimeOf,
} from "../../../src/stack/external/spark-command.ts";
import { commandLine, environmentOf } from "../../../src/submit/command-line.ts";
import { runFolder } from "../../../src/submit/run-folder.ts";

type Spark = Profile["spark"];

function submittingOf(spark: Partial<Spark>, checkpoints = "hdfs://n/c"): Submitting {
  const profile: Profile = {
    file: "/project/production.yaml",
    kafka: { brokers: "k:9092" },
    topicPrefix: "shop",
    redis: { url: "redis://r:6379/0" },
    postgres: undefined,
    connect: undefined,
    spark: {
      master: "yarn",
      deploy_mode: "client",
      python: { archive: "packed" },
      packages: [],
      jars: [],
      conf: {},
      secretConf: [],
      options: [],
      env: {},
      ...spark,
    },
    places: { offline: "hdfs://n/f", checkpoints, deadLetters: "hdfs://n/d" },
    secrets: [],
  };
  return {
    profile,
    installation: {
      venv: "/venv",
      sparkHome: "/spark",
      javaHome: "/java",
      jars: { kafka: "/k", spark: "/s" },
    },
    archive: spark.master?.startsWith("local") || spark.python ? undefined : "/cache/environment.tar.gz",
    connector: ["/s/connector.jar"],
    propertiesFile: "/run/spark.properties",
    libraryZip: "/x/cdc_features.zip",
    featureSet: "customer",
  };
}

const JOB = { featureSet: "customer", folder: runFolder("/state", "customer"), pythonPath: "/py" };

/** The arguments without the program, and without our own archive's place. */
function argumentsOf(submitting: Submitting): string[] {
  const { command, args } = commandLine(sparkRuntimeOf(submitting, { PATH: "/bin" }), JOB);
  expect(command).toBe(`${submitting.profile.spark.home ?? "/spark"}/bin/spark-submit`);
  return args.map((one) => one.replaceAll(/[^,]*\/spark-jobs\//g, "JOBS/"));
}

const SCRIPT = "/state/runs/customer/customer_features.py";
const SETTINGS = "/state/runs/customer/settings.json";

describe("spark-submit", () => {
  it("on YARN in client mode", () => {
    const submitting = submittingOf({
      options: ["--queue", "ml"],
      packages: ["org.apache.hadoop:hadoop-aws:3.4.2"],
    });
    expect(argumentsOf(submitting)).toEqual([
      ...["--master", "yarn", "--name", "cdc-features customer"],
      ...["--deploy-mode", "client", "--properties-file", "/run/spark.properties"],
      ...["--jars", "JOBS/cdc_features/records.jar,/s/connector.jar"],
      ...["--packages", "org.apache.hadoop:hadoop-aws:3.4.2", "--queue", "ml"],
      ...[SCRIPT, SETTINGS],
    ]);
    expect(environmentOf(sparkRuntimeOf(submitting, {}), JOB)).toMatchObject({ PYTHONPATH: "/py" });
    expect(sparkProperties(submitting)).toMatchObject({
      "spark.yarn.dist.archives": "/cache/environment.tar.gz#environment",
      "spark.pyspark.python": "./environment/bin/python",
      "spark.pyspark.driver.python": "/venv/bin/python",
    });
  });

  it("on YARN in cluster mode: library and settings are uploaded, the settings by name", () => {
    const submitting = submittingOf({ deploy_mode: "cluster", env: { HADOOP_CONF_DIR: "/etc/hadoop" } });
    expect(argumentsOf(submitting)).toEqual([
      ...["--master", "yarn", "--name", "cdc-features customer"],
      ...["--deploy-mode", "cluster", "--properties-file", "/run/spark.properties"],
      ...["--jars", "JOBS/cdc_features/records.jar,/s/connector.jar", "--py-files", "/x/cdc_features.zip"],
      ...["--files", SETTINGS, SCRIPT, "settings.json"],
    ]);
    expect(sparkProperties(submitting)["spark.pyspark.driver.python"]).toBe("./environment/bin/python");
    const env = environmentOf(sparkRuntimeOf(submitting, { PYTHONPATH: "/mine" }), JOB);
    expect(env).toMatchObject({ HADOOP_CONF_DIR: "/etc/hadoop", PYSPARK_PYTHON: "./environment/bin/python" });
    // YARN would put it before the uploaded library.
    expect(env).not.toHaveProperty("PYTHONPATH");
  });

  it("on Kubernetes in cluster mode, with the Python of an image", () => {
    const submitting = submittingOf({
      master: "k8s://https://k:6443",
      deploy_mode: "cluster",
      python: { executable: "/usr/bin/python3" },
      conf: {
        "spark.kubernetes.container.image": "registry/features:1",
        "spark.kubernetes.file.upload.path": "s3a://b/u",
      },
    });
    expect(argumentsOf(submitting)).toEqual([
      ...["--master", "k8s://https://k:6443", "--name", "cdc-features customer"],
      ...["--deploy-mode", "cluster", "--properties-file", "/run/spark.properties"],
      ...["--jars", "JOBS/cdc_features/records.jar,/s/connector.jar", "--py-files", "/x/cdc_features.zip"],
      ...["--files", SETTINGS, SCRIPT, "settings.json"],
    ]);
    expect(sparkProperties(submitting)).toEqual({
      "spark.kubernetes.container.image": "registry/features:1",
      "spark.kubernetes.file.upload.path": "s3a://b/u",
      "spark.kubernetes.submission.waitAppCompletion": "true",
      "spark.pyspark.driver.python": "/usr/bin/python3",
      "spark.pyspark.python": "/usr/bin/python3",
      "spark.redaction.regex": "(?i)secret|password|token|access[.]?key",
    });
  });

  it("keeps files that the profile gives Spark beside the job's own", () => {
    const conf = {
      "spark.jars": "a.jar,s3a://b/c.jar",
      "spark.files": "krb5.conf",
      "spark.submit.pyFiles": "x.zip",
    };
    const args = argumentsOf(submittingOf({ deploy_mode: "cluster", conf }));
    expect(args).toContain("JOBS/cdc_features/records.jar,/s/connector.jar,a.jar,s3a://b/c.jar");
    expect(args).toContain("/x/cdc_features.zip,x.zip");
    expect(args).toContain(`${SETTINGS},krb5.conf`);
    const archives = { "spark.archives": "a.zip#a", "spark.yarn.dist.archives": "b.zip#b" };
    const properties = sparkProperties(submittingOf({ conf: archives }));
    expect(properties["spark.yarn.dist.archives"]).toBe(
      "/cache/environment.tar.gz#environment,b.zip#b,a.zip#a",
    );
    expect(properties).not.toHaveProperty("spark.archives");
  });

  it("on a standalone cluster in cluster mode: by Spark's own runner of Python, from a shared folder", () => {
    const submitting = submittingOf(
      { master: "spark://m:7077", deploy_mode: "cluster", jars: ["/own/udf.jar", "s3a://b/x.jar"] },
      "/shared/c",
    );
    const jars = "/shared/c/customer/driver/jars";
    expect(argumentsOf(submitting).slice(8)).toEqual([
      ...["--jars", `${jars}/records.jar,${jars}/connector.jar,${jars}/udf.jar,s3a://b/x.jar`],
      ...["--class", "org.apache.spark.deploy.PythonRunner"],
      "/shared/c/customer/driver/cdc_features/records.jar",
      "/shared/c/customer/driver/customer_features.py",
      "/shared/c/customer/driver",
      "/shared/c/customer/driver/settings.json",
    ]);
    expect(sparkProperties(submitting)).toEqual({
      "spark.pyspark.driver.python": "/shared/c/customer/driver/environment/bin/python",
      "spark.pyspark.python": "/shared/c/customer/driver/environment/bin/python",
      "spark.redaction.regex": "(?i)secret|password|token|access[.]?key",
      "spark.standalone.submit.waitAppCompletion": "true",
    });
    const secret = submittingOf(
      { master: "spark://m:7077", deploy_mode: "cluster", conf: { "spark.x": "1" }, secretConf: ["spark.x"] },
      "/shared/c",
    );
    expect(() => sparkRuntimeOf(secret, {})).toThrow(/could read the secret in spark\.conf\.spark\.x/);
    const elsewhere = submittingOf({ master: "spark://m:7077", deploy_mode: "cluster" });
    expect(() => sparkRuntimeOf(elsewhere, {})).toThrow(/needs a shared folder/);
    const packed = { ...submitting, archive: "s3a://b/environment.tar.gz" };
    expect(() => sparkRuntimeOf(packed, {})).toThrow(/unpacks no archive/);
  });

  it("on this machine needs no Python of others, and has no cluster mode", () => {
    const submitting = submittingOf({ master: "local[4]", home: "/opt/spark" });
    expect(argumentsOf(submitting)).toContain("--load-spark-defaults");
    expect(sparkProperties(submitting)).toMatchObject({ "spark.pyspark.python": "/venv/bin/python" });
    const wrong = submittingOf({ master: "local[4]", deploy_mode: "cluster" });
    expect(() => sparkRuntimeOf(wrong, {})).toThrow(/no deploy mode cluster/);
  });
});

describe("a driver in Kubernetes", () => {
  it("needs a place that its files are uploaded to", () => {
    const submitting = submittingOf({ master: "k8s://https://k:6443", deploy_mode: "cluster" });
    expect(() => sparkRuntimeOf(submitting, {})).toThrow(/uploads the job's files to spark\.kubernetes/);
  });
});

describe("Spark's properties", () => {
  it("hide the values of settings that are secrets, whatever their names", () => {
    const submitting = submittingOf({ conf: { "spark.x.pin": "1234" }, secretConf: ["spark.x.pin"] });
    expect(sparkProperties(submitting)["spark.redaction.regex"]).toBe(
      "(?i)secret|password|token|access[.]?key|^\\Qspark.x.pin\\E$",
    );
  });

  it("are a file that Java reads as they are", () => {
    expect(propertiesText({ "spark.b": "C:\\x\ny", "spark.a: b": " =é" })).toBe(
      "spark.a\\:\\ b=\\ =é\nspark.b=C:\\\\x\\ny\n",
    );
  });
});
