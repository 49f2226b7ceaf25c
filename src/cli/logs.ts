import type { Command } from "commander";
import { UsageError } from "../errors.ts";
import { showLog } from "../platform/logs.ts";
import { runStates } from "../submit/run-states.ts";
import type { Context, Target } from "./context.ts";
import { option, profile, target } from "./options.ts";

interface LogsOptions extends Target {
  lines: string;
  follow?: boolean;
}

export function logs(program: Command, context: Context): void {
  program
    .command("logs <name>")
    .description("the log of a server (postgres, kafka, connect, redis) or of a feature set's last run")
    .addOption(target())
    .addOption(profile())
    .addOption(option("-n, --lines <count>", "how many lines from the end").default("100"))
    .addOption(option("-f, --follow", "go on until Ctrl-C"))
    .action(async (name: string, options: LogsOptions) => {
      const stack = context.stack(options);
      const run = (await runStates(stack.stateDir)).find((one) => one.featureSet === name);
      const lines = Number(options.lines);
      if (!Number.isSafeInteger(lines) || lines < 1)
        throw new UsageError(`--lines must be a whole number of at least 1, not ${options.lines}`);
      const wanted = { lines, follow: options.follow ? context.interruption() : undefined };
      const print = (text: string) => context.terminal.print(text);
      if (run === undefined) await stack.log(name, wanted, print);
      else await showLog(run.log, wanted, print);
    });
}
