// All checks and tests, after setting up whatever they need. Ends with a line `N passed, N failed`.
//
//   node tests/run.mjs            everything
//   node tests/run.mjs lint unit  only these parts: lint types python-lint python-types java unit contract pyspark golden property e2e compose
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { prepare } from "../bin/prepare.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));
await prepare();
process.chdir(root);
const wanted = process.argv.slice(2);
const scratch = mkdtempSync(path.join(os.tmpdir(), "cdc-features-tests-"));
const total = { passed: 0, failed: 0 };
const failures = [];
const skipped = [];

let python;
/** Environments with Spark and the tools, made when first asked for. */
function pythonTools() {
  if (python === undefined) {
    const result = spawnSync("npx", ["tsx", "tests/support/python.ts"], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    if (result.status !== 0) process.exit(result.status ?? 1);
    python = JSON.parse(result.stdout.toString());
  }
  return python;
}

/** A check that either passes or fails as a whole. */
function check(name, command, args, env = {}) {
  if (wanted.length > 0 && !wanted.includes(name)) return;
  console.log(`\n# ${name}`);
  const { status } = spawnSync(command, args, {
    stdio: ["ignore", "inherit", "inherit"],
    env: { ...process.env, ...env },
  });
  count(name, status === 0 ? { passed: 1, failed: 0 } : { passed: 0, failed: 1 });
}

/** A test runner that writes a JUnit report. */
function suite(name, command, args, report, env = {}) {
  if (wanted.length > 0 && !wanted.includes(name)) return;
  console.log(`\n# ${name}`);
  const { status } = spawnSync(command, args, {
    stdio: ["ignore", "inherit", "inherit"],
    env: { ...process.env, ...env },
  });
  const counts = existsSync(report) ? countReport(readFileSync(report, "utf8")) : { passed: 0, failed: 0 };
  // A runner that fails without a failed test (a crash, no tests) is a failure, too.
  if (status !== 0 && counts.failed === 0) counts.failed = 1;
  if (counts.passed + counts.failed === 0) counts.failed = 1;
  count(name, counts);
}

function countReport(xml) {
  const head = /<testsuites\b[^>]*\btests="\d+"[^>]*>/.exec(xml)?.[0] ?? "";
  const suites = head ? [head] : (xml.match(/<testsuite\b[^>]*>/g) ?? []);
  const sum = (attribute) =>
    suites.reduce((n, tag) => n + Number(new RegExp(`\\b${attribute}="(\\d+)"`).exec(tag)?.[1] ?? 0), 0);
  for (const [, name] of xml.matchAll(/<testcase\b[^>]*\bname="([^"]*)"[^>]*>\s*<skipped/g))
    skipped.push(name);
  const failed = sum("failures") + sum("errors");
  return { passed: sum("tests") - failed - sum("skipped"), failed };
}

function count(name, { passed, failed }) {
  total.passed += passed;
  total.failed += failed;
  if (failed > 0) failures.push(name);
}

const needsPython = (name) => wanted.length === 0 || wanted.includes(name);
const junit = (name) => path.join(scratch, `${name}.xml`);
const vitest = (name, env) =>
  suite(
    name,
    "npx",
    [
      "vitest",
      "run",
      "--project",
      name,
      "--reporter=default",
      "--reporter=junit",
      `--outputFile.junit=${junit(name)}`,
    ],
    junit(name),
    env,
  );

/** With a Docker engine only; images that cannot be pulled are stood in for by tests/images. */
function compose() {
  if (!needsPython("compose")) return;
  const run = (...command) =>
    spawnSync(command[0], command.slice(1), { stdio: ["ignore", "pipe", "inherit"] });
  const runs = spawnSync("docker", ["info"], { stdio: "ignore" });
  if (runs.status !== 0) {
    skipped.push("compose (no Docker engine that answers)");
    return;
  }
  const pulled = run("docker", "compose", "pull", "--quiet", "--ignore-buildable");
  const standIns = pulled.status !== 0;
  if (standIns && run(process.execPath, "tests/images/build.mjs").status !== 0) {
    count("compose", { passed: 0, failed: 1 });
    return;
  }
  vitest("compose", {
    // Ryuk is an image, too.
    TESTCONTAINERS_RYUK_DISABLED: "true",
    ...(standIns && { CDC_FEATURES_BUILD_NETWORK: "host" }),
  });
}

check("lint", "npx", ["biome", "check", "--error-on-warnings", "."]);
if (wanted.length === 0 || wanted.includes("lint"))
  check("lint", "npx", ["dclint", "--max-warnings=0", "docker-compose.yml"]);
check("types", "npx", ["tsc", "--noEmit"]);
if (needsPython("python-lint")) {
  const ruff = path.join(pythonTools().tools, "bin", "ruff");
  const config = ["--config", "spark-jobs/pyproject.toml"];
  const folders = "spark-jobs tests/pyspark bench docs/lab";
  check("python-lint", "sh", [
    "-c",
    `"${ruff}" check ${config.join(" ")} ${folders} && "${ruff}" format ${config.join(" ")} --check ${folders}`,
  ]);
}
if (needsPython("python-types")) {
  const { tools, venv } = pythonTools();
  check("python-types", path.join(tools, "bin", "mypy"), [
    "--config-file",
    "spark-jobs/pyproject.toml",
    "--python-executable",
    path.join(venv, "bin", "python"),
    "spark-jobs/cdc_features",
  ]);
}
if (needsPython("java")) {
  const { javaHome, sparkHome } = pythonTools();
  if (spawnSync("javac", ["-version"]).error && !existsSync(path.join(javaHome, "bin", "javac"))) {
    skipped.push("java (no javac to compile with)");
  } else {
    const target = path.join(scratch, "records.jar");
    const build = ["spark-jobs/jvm/build.mjs", path.join(sparkHome, "jars"), target];
    check("java", process.execPath, build, { JAVA_HOME: javaHome });
  }
}
const testServers = (name) =>
  needsPython(name)
    ? {
        CDC_FEATURES_TEST_VENV: pythonTools().venv,
        CDC_FEATURES_TEST_TOOLS: pythonTools().tools,
        CDC_FEATURES_TEST_REDIS_SERVER: pythonTools().redisServer,
        CDC_FEATURES_TEST_KAFKA_JARS: pythonTools().kafkaJars,
        JAVA_HOME: pythonTools().javaHome,
      }
    : {};
vitest("unit", testServers("unit"));
vitest("contract", testServers("contract"));
if (needsPython("pyspark")) {
  const { javaHome, venv, tools, sparkJars } = pythonTools();
  const library = execFileSync(path.join(tools, "bin", "python"), [
    "-c",
    "import sysconfig; print(sysconfig.get_path('purelib'))",
  ])
    .toString()
    .trim();
  suite(
    "pyspark",
    path.join(venv, "bin", "python"),
    [
      "-m",
      "pytest",
      "-q",
      "-c",
      "spark-jobs/pyproject.toml",
      "--rootdir",
      ".",
      `--junitxml=${junit("pyspark")}`,
      "tests/pyspark",
    ],
    junit("pyspark"),
    {
      JAVA_HOME: javaHome,
      PATH: `${path.join(venv, "bin")}:${process.env.PATH}`,
      PYTHONPATH: [path.join(root, "spark-jobs"), library].join(":"),
      CDC_FEATURES_TEST_SPARK_JARS: sparkJars,
    },
  );
}
suite(
  "golden",
  process.execPath,
  ["bin/cdc-features", "test", "tests/fixtures/golden", "--junit", junit("golden")],
  junit("golden"),
  { CDC_FEATURES_HOME: path.join(scratch, "golden-home") },
);
vitest("property");
vitest("e2e", testServers("e2e"));
compose();

rmSync(scratch, { recursive: true, force: true });
if (skipped.length > 0)
  console.log(`\n${skipped.length} skipped:\n${skipped.map((name) => `  ${name}`).join("\n")}`);
if (failures.length > 0) console.log(`\nfailed: ${failures.join(", ")}`);
console.log(`\n${total.passed} passed, ${total.failed} failed`);
process.exitCode = total.failed > 0 ? 1 : 0;
