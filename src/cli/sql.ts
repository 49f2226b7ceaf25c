import type { Command } from "commander";
import { runSql } from "../stack/demo-shop/index.ts";
import type { Context, Target } from "./context.ts";
import { json, profile, target } from "./options.ts";
import { formatTable } from "./report/table.ts";
import { shopOf } from "./shop.ts";

export function sql(program: Command, context: Context): void {
  program
    .command("sql <statement>")
    .description("run SQL on the demo shop's database")
    .addOption(target())
    .addOption(profile())
    .addOption(json())
    .action(async (statement: string, options: Target & { json?: boolean }) => {
      const stack = context.stack(options);
      const postgres = shopOf(stack, await stack.endpoints());
      const results = await runSql(postgres, statement);
      if (options.json) {
        context.terminal.print(JSON.stringify(results));
        return;
      }
      for (const { command, columns, rows, count } of results) {
        if (columns.length > 0) {
          const cells = rows.map((row) => row.map((value) => value ?? context.terminal.paintOut.dim("null")));
          context.terminal.print(formatTable(columns, cells));
        } else context.terminal.print(count === null ? command : `${command} ${count}`);
      }
    });
}
