import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import type { Command } from "commander";
import { UsageError } from "../errors.ts";
import { lastLines } from "../platform/files.ts";
import { runStates } from "../submit/run-states.ts";
import type { Context } from "./context.ts";
import { option, target } from "./options.ts";

interface LogsOptions {
  target: string;
  lines: string;
  follow?: boolean;
}

export function logs(program: Command, context: Context): void {
  program
    .command("logs <name>")
    .description("the log of a server (postgres, kafka, connect, redis) or of a feature set's last run")
    .addOption(target())
    .addOption(option("-n, --lines <count>", "how many lines from the end").default("100"))
    .addOption(option("-f, --follow", "go on until Ctrl-C"))
    .action(async (name: string, options: LogsOptions) => {
      const stack = context.stack(options.target);
      const run = (await runStates(stack.stateDir)).find((one) => one.featureSet === name);
      const file = run?.log ?? stack.logFile(name);
      if (!existsSync(file))
        throw new UsageError(`${name} has no log yet`, { hint: "Start the stack with `cdc-features up`." });
      const lines = Number(options.lines);
      if (!Number.isSafeInteger(lines) || lines < 1)
        throw new UsageError(`--lines must be a whole number of at least 1, not ${options.lines}`);
      if (options.follow) await follow(file, lines, context.interruption());
      else context.terminal.print((await lastLines(file, lines)).join("\n"));
    });
}

async function follow(file: string, lines: number, signal: AbortSignal): Promise<void> {
  const tail = spawn("tail", ["-n", String(lines), "-f", file], { stdio: ["ignore", "inherit", "inherit"] });
  signal.addEventListener("abort", () => tail.kill());
  await new Promise((resolve) => tail.once("exit", resolve));
}
