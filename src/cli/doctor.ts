import type { Command } from "commander";
import { EXIT } from "../errors.ts";
import type { Context, Target } from "./context.ts";
import { json, profile, target } from "./options.ts";

export function doctor(program: Command, context: Context): void {
  program
    .command("doctor")
    .description("check what this machine has and what is in the way")
    .addOption(target())
    .addOption(profile())
    .addOption(json())
    .action(async (options: Target & { json?: boolean }) => {
      const node = { name: "node", ok: true, found: process.versions.node, hint: undefined };
      const checks = [node, ...(await context.stack(options).doctor())];
      const ok = checks.every((check) => check.ok);
      if (!ok) context.exitWith(EXIT.environment);
      if (options.json) {
        context.terminal.print(JSON.stringify({ ok, checks }));
        return;
      }
      const { paintOut: paint } = context.terminal;
      for (const check of checks) {
        context.terminal.print(
          `${check.ok ? paint.green("✓") : paint.red("✗")} ${check.name}: ${check.found}`,
        );
        if (check.hint !== undefined) context.terminal.print(`  ${check.hint}`);
      }
    });
}
