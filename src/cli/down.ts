import type { Command } from "commander";
import { stopJob } from "../submit/run.ts";
import { runFolders } from "../submit/run-states.ts";
import type { Context, Target } from "./context.ts";
import { option, profile, target } from "./options.ts";

export function down(program: Command, context: Context): void {
  program
    .command("down")
    .description("end the jobs and the servers; what they hold stays")
    .addOption(target())
    .addOption(profile())
    .addOption(option("--purge", "remove everything they hold, too: database, topics, features, checkpoints"))
    .action(async (options: Target & { purge?: boolean }) => {
      const stack = context.stack(options);
      await Promise.all(
        (await runFolders(stack.stateDir)).map(({ folder }) => stopJob(folder, () => stack.storage())),
      );
      await stack.down(context.progress, { purge: options.purge ?? false });
    });
}
