import type { Command } from "commander";
import { UsageError } from "../errors.ts";
import { traffic as writeTraffic } from "../stack/demo-shop/index.ts";
import type { Context, Target } from "./context.ts";
import { json, option, profile, target } from "./options.ts";
import { shopOf } from "./shop.ts";

export function traffic(program: Command, context: Context): void {
  program
    .command("traffic")
    .description("keep changing the demo shop's orders until Ctrl-C")
    .addOption(target())
    .addOption(profile())
    .addOption(option("--rate <changes>", "changes per second").default("10"))
    .addOption(json())
    .action(async (options: Target & { rate: string; json?: boolean }) => {
      const rate = Number(options.rate);
      if (!(rate > 0)) throw new UsageError(`--rate takes a number above 0, not ${options.rate}`);
      const stack = context.stack(options);
      const postgres = shopOf(stack, await stack.endpoints());
      const result = await context.progress.step(`${rate} changes per second, Ctrl-C ends it`, (step) =>
        writeTraffic(postgres, {
          rate,
          signal: context.interruption(),
          onProgress: ({ total }) => step.update(`${total} changes`),
        }),
      );
      context.terminal.print(
        options.json ? JSON.stringify(result) : `${result.total} changes in ${result.seconds.toFixed(1)} s`,
      );
    });
}
