import path from "node:path";
import type { Command } from "commander";
import { EXIT } from "../errors.ts";
import { writeFileAtomic } from "../platform/files.ts";
import { junitXml, STORES } from "../verify/junit.ts";
import { reportOf } from "../verify/verify.ts";
import type { Context, Target } from "./context.ts";
import { loadDefinitions } from "./definitions.ts";
import { json, option, profile, target } from "./options.ts";
import { reportLines } from "./report/verify.ts";
import { setsThatRan } from "./sets-that-ran.ts";
import { type Against, against, verifyDefinitions } from "./verifying.ts";

interface VerifyCommandOptions extends Target {
  against: Against;
  json?: boolean;
  junit?: string;
  valuesOnly?: boolean;
}

export function verify(program: Command, context: Context): void {
  program
    .command("verify [sets...]")
    .description(
      "recompute features without Spark and compare every value in both stores (default: all sets that were run)",
    )
    .addOption(target())
    .addOption(profile())
    .addOption(against())
    .addOption(
      option(
        "--values-only",
        "compare the features' values in Redis and nothing else, whatever program wrote them",
      ),
    )
    .addOption(json())
    .addOption(option("--junit <file>", "write a JUnit report, too"))
    .action(async (sets: string[], options: VerifyCommandOptions) => {
      const { valuesOnly = false } = options;
      const stack = context.stack(options);
      const definitions = await loadDefinitions(
        sets.length > 0 ? sets : await setsThatRan(stack),
        context.cwd,
      );
      const asked = { against: options.against, valuesOnly };
      const featureSets = await verifyDefinitions(definitions, asked, stack, context);
      const report = reportOf(featureSets);
      if (!report.ok) context.exitWith(EXIT.differ);
      if (options.junit !== undefined) {
        const file = path.resolve(context.cwd, options.junit);
        await writeFileAtomic(
          file,
          junitXml(
            definitions.map(({ featureSet }) => featureSet),
            featureSets,
            valuesOnly ? ["online"] : STORES,
          ),
        );
      }
      context.terminal.print(
        options.json
          ? JSON.stringify(report)
          : reportLines(report, context.terminal.paintOut, { valuesOnly }),
      );
    });
}
