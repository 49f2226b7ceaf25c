import path from "node:path";
import type { Command } from "commander";
import { offlineFolder } from "../definition/feature-set.ts";
import { driftOf } from "../drift/drift.ts";
import type { FeatureSetDrift } from "../drift/feature-drift.ts";
import type { Period } from "../drift/periods.ts";
import { EXIT } from "../errors.ts";
import type { Context, Target } from "./context.ts";
import { loadDefinitions } from "./definitions.ts";
import { json, option, profile, target } from "./options.ts";
import { periodOption } from "./period-option.ts";
import { driftLines } from "./report/drift.ts";
import { setsThatRan } from "./sets-that-ran.ts";

interface DriftCommandOptions extends Target {
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
      option("--current <from..to>", "event times that are looked at, UTC").argParser(
        periodOption("current"),
      ),
    )
    .addOption(
      option("--reference <from..to>", "event times that they are compared with, UTC").argParser(
        periodOption("reference"),
      ),
    )
    .addOption(target())
    .addOption(profile())
    .addOption(json())
    .action(async (sets: string[], options: DriftCommandOptions) => {
      const { current, reference } = options;
      const stack = context.stack(options);
      const definitions = await loadDefinitions(
        sets.length > 0 ? sets : await setsThatRan(stack),
        context.cwd,
      );
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
