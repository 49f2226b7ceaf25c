import path from "node:path";
import type { Command } from "commander";
import { isAsOfNow, offlineFolder } from "../definition/feature-set.ts";
import { UsageError } from "../errors.ts";
import { isoOfMicros } from "../platform/instants.ts";
import { readQuarantine } from "../stores/offline.ts";
import type { Context, Target } from "./context.ts";
import { loadDefinitions } from "./definitions.ts";
import { json, option, profile, target } from "./options.ts";
import { formatTable } from "./report/table.ts";

interface Held {
  entity: string | null;
  windowStart: string | null;
  /** The batch that computed the row. */
  version: string;
  createdAt: string;
  features: Record<string, string | null>;
  rules: string[];
  reasons: string[];
}

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
      const names = featureSet.features.map(({ name }) => name);
      const held: Held[] = [];
      const scratch = path.join(stack.stateDir, "tmp");
      await readQuarantine(featureSet, { offlineRoot: offline, scratch, all: true }, (row) => {
        const values = JSON.parse(row.features) as (string | null)[];
        held.push({
          entity: row.entity,
          windowStart: row.windowStart === null ? null : isoOfMicros(row.windowStart),
          version: String(row.batchId),
          createdAt: isoOfMicros(row.createdTimestamp ?? 0n),
          features: Object.fromEntries(names.map((name, i) => [name, values[i] ?? null])),
          rules: JSON.parse(row.rules),
          reasons: JSON.parse(row.reasons),
        });
      });
      held.sort((a, b) => Number(b.version) - Number(a.version) || (a.createdAt < b.createdAt ? 1 : -1));
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
