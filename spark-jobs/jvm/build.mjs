// Compiles the job's Java and packs it: node spark-jobs/jvm/build.mjs SPARK_JARS TARGET, with the JDK of JAVA_HOME or PATH.
// The archive is committed, so that running needs no compiler; tests/pyspark/test_library.py tells when it is not that of
// the sources.
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";

const [sparkJars, target] = process.argv.slice(2);
const folder = path.join(import.meta.dirname, "cdcfeatures");
const sources = readdirSync(folder)
  .sort()
  .map((name) => path.join(folder, name));
const classes = mkdtempSync(path.join(os.tmpdir(), "cdc-features-jvm-"));

function run(tool, ...options) {
  const own = process.env.JAVA_HOME && path.join(process.env.JAVA_HOME, "bin", tool);
  execFileSync(own && existsSync(own) ? own : tool, options, { stdio: ["ignore", "inherit", "inherit"] });
}

try {
  const strict = ["--release", "17", "-proc:none", "-g", "-Xlint:all,-path", "-Werror"];
  run("javac", ...strict, "-cp", path.join(sparkJars, "*"), "-d", classes, ...sources);
  const digest = createHash("sha256");
  for (const source of sources) digest.update(readFileSync(source));
  writeFileSync(path.join(classes, "cdcfeatures", "sources.sha256"), `${digest.digest("hex")}\n`);
  const reproducible = ["--date", "2026-01-01T00:00:00Z", "--no-manifest"];
  run("jar", "--create", "--file", target, ...reproducible, "-C", classes, "cdcfeatures");
} finally {
  rmSync(classes, { recursive: true });
}
