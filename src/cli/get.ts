import path from "node:path";
import type { Command } from "commander";
import { isAsOfNow, offlineFolder } from "../definition/feature-set.ts";
import { UsageError } from "../errors.ts";
import { readEntities } from "../stores/entities.ts";
import type { Context, Target } from "./context.ts";
import { loadDefinitions } from "./definitions.ts";
import { json, profile, target } from "./options.ts";
import { formatTable } from "./report/table.ts";

export function get(program: Command, context: Context): void {
  program
    .command("get <set> <entities...>")
    .description("the online features of entities, as of now")
    .addOption(target())
    .addOption(profile())
    .addOption(json())
    .action(async (set: string, entities: string[], options: Target & { json?: boolean }) => {
      const stack = context.stack(options);
      const { redis, offline } = await stack.endpoints();
      const [definition] = await loadDefinitions([set], context.cwd);
      if (definition === undefined) throw new UsageError(`no feature set named ${set}`);
      const { featureSet } = definition;
      // Only rows that change with time are read again.
      if (isAsOfNow(featureSet)) await (await stack.storage()).fetch(offlineFolder(featureSet));
      const found = await readEntities(featureSet, entities, {
        redis,
        offlineRoot: offline,
        now: new Date(),
        scratch: path.join(stack.stateDir, "tmp"),
      });
      if (options.json) {
        context.terminal.print(JSON.stringify(found));
        return;
      }
      const names = featureSet.features.map(({ name }) => name);
      const rows = found.map(({ entity, features }) => [
        entity,
        ...names.map((name) => String(features[name] ?? "-")),
      ]);
      context.terminal.print(formatTable([featureSet.entity.join(":"), ...names], rows));
    });
}
