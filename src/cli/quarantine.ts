import path from "node:path";
import type { Command } from "commander";
import { isAsOfNow, offlineFolder } from "../definition/feature-set.ts";
import { UsageError } from "../errors.ts";
import type { Context, Target } from "./context.ts";
import { loadDefinitions } from "./definitions.ts";
import { heldRows } from "./held-rows.ts";
import { json, option, profile, target } from "./options.ts";
import { formatTable } from "./report/table.ts";

const SHOWN = 20;

export function quarantine(program: Command, context: Context): void {
  program
    .command("quarantine <set>")
    .description("rows that rules kept from the stores, and why, the newest first")
    .addOption(option("--limit <number>", "rows on the screen").default(SHOWN).argParser(Number))
    .addOption(target())
    .addOption(profile())
    .addOption(json())
    .action(async (set: string, options: Target & { json?: boolean; limit: number }) => {
      const stack = context.stack(options);
      const { offline } = await stack.endpoints();
      const [definition] = await loadDefinitions([set], context.cwd);
      if (definition === undefined) throw new UsageError(`no feature set named ${set}`);
      const { featureSet } = definition;
      await (await stack.storage()).fetch(offlineFolder(featureSet));
      const scratch = path.join(stack.stateDir, "tmp");
      const held = await heldRows(featureSet, { offlineRoot: offline, scratch });
      if (options.json) {
        context.terminal.print(JSON.stringify(held));
        return;
      }
      if (held.length === 0) {
        context.terminal.print(`${featureSet.name}: nothing is in quarantine`);
        return;
      }
      const key = featureSet.entity.join(":");
      const rows = held
        .slice(0, options.limit)
        .map(({ entity, windowStart, createdAt, rules, reasons }) => [
          entity ?? "-",
          ...(isAsOfNow(featureSet) ? [] : [windowStart ?? "-"]),
          createdAt,
          rules.map((rule, i) => `${rule}: ${reasons[i]}`).join("; "),
        ]);
      const columns = [key, ...(isAsOfNow(featureSet) ? [] : ["window_start"]), "computed", "why"];
      context.terminal.print(formatTable(columns, rows));
      if (held.length > options.limit)
        context.terminal.print(`… and ${held.length - options.limit} more rows: --limit, or --json`);
    });
}
