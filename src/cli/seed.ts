import type { Command } from "commander";
import { UsageError } from "../errors.ts";
import { seed as seedShop } from "../stack/demo-shop/index.ts";
import type { Context, Target } from "./context.ts";
import { json, option, profile, target } from "./options.ts";
import { shopOf } from "./shop.ts";

interface SeedCommandOptions extends Target {
  seed: string;
  customers: string;
  products: string;
  orders: string;
  until?: string;
  append?: boolean;
  json?: boolean;
}

export function seed(program: Command, context: Context): void {
  program
    .command("seed")
    .description("fill the demo shop with the last 60 days of orders and their changes")
    .addOption(target())
    .addOption(profile())
    .addOption(option("--seed <number>", "same number, same rows").default("1"))
    .addOption(option("--customers <count>", "how many customers").default("2000"))
    .addOption(option("--products <count>", "how many products").default("300"))
    .addOption(option("--orders <count>", "how many orders").default("20000"))
    .addOption(option("--until <time>", "end of the 60 days, ISO 8601 (default: the start of this hour)"))
    .addOption(option("--append", "write although there are rows already"))
    .addOption(json())
    .action(async (options: SeedCommandOptions) => {
      const stack = context.stack(options);
      const postgres = shopOf(stack, await stack.endpoints());
      const result = await context.progress.step("demo shop", (step) =>
        seedShop(
          postgres,
          {
            seed: wholeNumber("--seed", options.seed),
            customers: wholeNumber("--customers", options.customers),
            products: wholeNumber("--products", options.products),
            orders: wholeNumber("--orders", options.orders),
            ...(options.until === undefined ? {} : { until: time("--until", options.until) }),
            append: options.append ?? false,
          },
          ({ written, total }) => step.update(`${written} of ${total} statements`),
        ),
      );
      await stack.remember({ demoData: "seeded" });
      if (options.json) context.terminal.print(JSON.stringify(result));
      else {
        const { rows, changes } = result;
        context.terminal.print(
          `${rows.customers} customers, ${rows.products} products, ${rows.orders} orders`,
        );
        context.terminal.print(
          Object.entries(changes)
            .map(([kind, count]) => `${count} ${kind}`)
            .join(", "),
        );
      }
    });
}

export function wholeNumber(name: string, text: string): number {
  const value = Number(text);
  if (text.trim() === "" || !Number.isSafeInteger(value))
    throw new UsageError(`${name} takes a whole number, not ${text}`);
  return value;
}

function time(name: string, text: string): Date {
  const value = new Date(text);
  if (Number.isNaN(value.getTime()))
    throw new UsageError(`${name} takes a time such as 2026-11-01T00:00:00Z, not ${text}`);
  return value;
}
