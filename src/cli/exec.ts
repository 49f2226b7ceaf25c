import type { Command } from "commander";
import { execa } from "execa";
import { EnvironmentError } from "../errors.ts";
import { quoted } from "../platform/shell.ts";
import { type Endpoints, TOPIC_PREFIX } from "../stack/stack.ts";
import { sparkSubmitArguments } from "../submit/spark-submit.ts";
import type { Context } from "./context.ts";

export function exec(program: Command, context: Context): void {
  program
    .command("exec <program> [arguments...]")
    .description(
      "run a program of your own with this machine's servers, Python and Spark: `exec python job.py`",
    )
    .passThroughOptions()
    .action(async (command: string, args: string[]) => {
      const endpoints = await context.stack({ target: "embedded" }).endpoints();
      const spark = await context.localSpark().setUpSpark(context.progress);
      const submission = sparkSubmitArguments({
        ...spark,
        name: command,
        // Bars of progress would run through what the program prints.
        conf: { ...spark.conf, "spark.ui.showConsoleProgress": "false" },
        primary: ["pyspark-shell"],
      });
      // It may have something to do when it is interrupted.
      const signal = context.interruption();
      const child = execa(command, args, {
        cwd: context.cwd,
        env: {
          ...spark.env,
          ...variablesOf(endpoints),
          // PySpark starts its JVM with these.
          PYSPARK_SUBMIT_ARGS: submission.map(quoted).join(" "),
        },
        extendEnv: false,
        stdio: "inherit",
        reject: false,
      });
      // Ctrl-C in a terminal reaches it by itself.
      if (!process.stdin.isTTY) signal.addEventListener("abort", () => child.kill("SIGINT"));
      const { exitCode, shortMessage, isTerminated } = await child;
      if (exitCode !== undefined) context.exitWith(exitCode);
      else if (isTerminated) context.exitWith(130);
      else throw new EnvironmentError(`${command} cannot be started: ${shortMessage}`);
    });
}

/** Where the servers are, by the names that programs commonly read. */
function variablesOf({ postgres, kafka, redis, offline }: Endpoints): NodeJS.ProcessEnv {
  return {
    KAFKA_BROKERS: kafka.brokers,
    TOPIC_PREFIX,
    REDIS_URL: redis.url,
    ...(postgres !== undefined && { POSTGRES_URL: postgres }),
    OFFLINE_STORE: offline,
  };
}
