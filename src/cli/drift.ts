import path from "node:path";
import type { Command } from "commander";
import { type DriftWindows, isAsOfNow, offlineFolder } from "../definition/feature-set.ts";
import { driftOf } from "../drift/drift.ts";
import type { FeatureSetDrift } from "../drift/feature-drift.ts";
import type { Period } from "../drift/periods.ts";
import { EXIT, UsageError } from "../errors.ts";
import type { Context, Target } from "./context.ts";
import { loadDefinitions } from "./definitions.ts";
import { json, option, profile, target } from "./options.ts";
import { periodOption } from "./period-option.ts";
import { driftLines } from "./report/drift.ts";
import { setsThatRan } from "./sets-that-ran.ts";

interface DriftCommandOptions extends Target {
  windows?: DriftWindows;
  current?: Period;
  reference?: Period;
  json?: boolean;
}

export function drift(program: Command, context: Context): void {
  program
    .command("drift [sets...]")
    .description(
      "whether features are distributed as they were in a period before (default: all sets that were run)",
    )
    .addOption(
      option(
        "--windows <which>",
        "finished: those that ended in a period; all: also those that are still filling (default: as the definition says)",
      ).choices(["finished", "all"]),
    )
    .addOption(
      option("--current <from..to>", "the time that is looked at, UTC").argParser(periodOption("current")),
    )
    .addOption(
      option("--reference <from..to>", "the time that it is compared with, UTC").argParser(
        periodOption("reference"),
      ),
    )
    .addOption(target())
    .addOption(profile())
    .addOption(json())
    .action(async (sets: string[], options: DriftCommandOptions) => {
      const { windows, current, reference } = options;
      const stack = context.stack(options);
      const definitions = await loadDefinitions(
        sets.length > 0 ? sets : await setsThatRan(stack),
        context.cwd,
      );
      const asOfNow = definitions.find(({ featureSet }) => isAsOfNow(featureSet))?.featureSet;
      if (windows === "finished" && asOfNow !== undefined)
        throw new UsageError(`--windows finished: rows of ${asOfNow.name} are as of now, and have no end`, {
          hint: "Leave --windows out.",
        });
      const { offline } = await stack.endpoints();
      const storage = await stack.storage();
      const now = new Date();
      const featureSets: FeatureSetDrift[] = [];
      for (const { featureSet } of definitions) {
        const found = await context.progress.step(`comparing the periods of ${featureSet.name}`, async () => {
          await storage.fetch(offlineFolder(featureSet));
          return driftOf(featureSet, {
            offlineRoot: offline,
            scratch: path.join(stack.stateDir, "tmp"),
            now,
            ...(windows && { windows }),
            ...(current && { current }),
            ...(reference && { reference }),
          });
        });
        featureSets.push(found);
      }
      const ok = featureSets.every(({ features }) => features.every(({ verdict }) => verdict !== "drifted"));
      if (!ok) context.exitWith(EXIT.differ);
      context.terminal.print(
        options.json
          ? JSON.stringify({ ok, featureSets })
          : driftLines(featureSets, context.terminal.paintOut),
      );
    });
}
