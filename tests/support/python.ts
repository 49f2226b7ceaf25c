/**
 * Prints, as JSON, a Python with Spark and the checks' tools: the environment of the jobs themselves, and
 * beside it one with the tools. Both are made on first use.
 */
import { readFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { reportError } from "../../src/cli/report/error.ts";
import { progressOn } from "../../src/cli/report/progress.ts";
import { terminal } from "../../src/cli/report/terminal.ts";
import { findRedis } from "../../src/stack/embedded/servers/redis.ts";
import { homeOf } from "../../src/stack/home.ts";
import { jars } from "../../src/stack/setup/jars.ts";
import { requirePrerequisites } from "../../src/stack/setup/prerequisites.ts";
import { sitePackages, sparkVenv, toolsVenv } from "../../src/stack/setup/python-packages.ts";
import { wheelJava } from "../../src/stack/setup/wheel-java.ts";

const LOCK = fileURLToPath(new URL("python-tools.lock", import.meta.url));
const screen = terminal();

try {
  const progress = progressOn(screen);
  const home = homeOf(process.cwd(), process.env);
  const { python, javaHome: found } = await requirePrerequisites(process.env);
  const javaHome = found ?? (await wheelJava(home, python, progress));
  const venv = await sparkVenv(home, python, progress);
  const { spark, kafka } = await jars(home, javaHome, venv, progress);
  const tools = await toolsVenv(home, python, "test-tools", await readFile(LOCK, "utf8"), progress);
  const redisServer = await findRedis(venv);
  const sparkHome = path.join(await sitePackages(venv), "pyspark");
  screen.print(
    JSON.stringify({
      javaHome,
      venv,
      tools,
      redisServer,
      sparkJars: path.join(spark, "*"),
      kafkaJars: kafka,
      sparkHome,
    }),
  );
} catch (error) {
  process.exitCode = reportError(error, screen);
}
