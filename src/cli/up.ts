import type { Command } from "commander";
import { isEmpty, ShopNotEmpty, seed } from "../stack/demo-shop/index.ts";
import { type Endpoints, type Stack, urlsOf } from "../stack/stack.ts";
import type { Context, Target } from "./context.ts";
import { json, option, profile, target } from "./options.ts";
import { shopOf } from "./shop.ts";

interface UpOptions extends Target {
  demoData: boolean;
  newPorts?: boolean;
  json?: boolean;
}

export function up(program: Command, context: Context): void {
  program
    .command("up")
    .description("set up and start the servers that are missing, and fill the demo shop")
    .addOption(target())
    .addOption(profile())
    .addOption(option("--no-demo-data", "leave the demo shop empty"))
    .addOption(option("--new-ports", "choose other ports, where a remembered one is taken"))
    .addOption(json())
    .action(async (options: UpOptions) => {
      const stack = context.stack(options);
      const endpoints = await stack.up(context.progress, { newPorts: options.newPorts ?? false });
      const urls = urlsOf(endpoints, { withPasswords: stack.hasShop });
      if (options.demoData) await seedIfEmpty(stack, endpoints, context);
      else await stack.remember({ demoData: "declined" });
      if (options.json) {
        context.terminal.print(
          JSON.stringify({ target: stack.target, endpoints: urls, stateDir: stack.stateDir }),
        );
        return;
      }
      for (const [name, url] of Object.entries(urls))
        context.terminal.print(`${name.padEnd(9)} ${url ?? "-"}`);
    });
}

/** Fills the demo shop once in its life, and never over somebody's rows or wish. */
export async function seedIfEmpty(stack: Stack, endpoints: Endpoints, context: Context): Promise<void> {
  if (!stack.hasShop || (await stack.memory()).demoData !== undefined) return;
  const postgres = shopOf(stack, endpoints);
  if (!(await isEmpty(postgres))) return;
  await context.progress.step("demo shop", async (step) => {
    try {
      await seed(postgres, {}, ({ written, total }) => step.update(`${written} of ${total} statements`));
    } catch (error) {
      // Another command was faster; what it wrote stays.
      if (!(error instanceof ShopNotEmpty)) throw error;
      return;
    }
    await stack.remember({ demoData: "seeded" });
  });
}
