import path from "node:path";
import type { Command } from "commander";
import { offlineFolder } from "../definition/feature-set.ts";
import { CdcFeaturesError, EXIT, UsageError } from "../errors.ts";
import { writeFileAtomic } from "../platform/files.ts";
import type { Endpoints, Stack } from "../stack/stack.ts";
import { runningJob } from "../submit/run.ts";
import { runFolder } from "../submit/run-folder.ts";
import { storesWritten } from "../submit/run-states.ts";
import { junitXml, STORES } from "../verify/junit.ts";
import { type FeatureSetReport, reportOf, verifyFeatureSet } from "../verify/verify.ts";
import type { Context, Target } from "./context.ts";
import { loadDefinitions } from "./definitions.ts";
import { json, option, profile, target } from "./options.ts";
import { reportLines } from "./report/verify.ts";
import { setsThatRan } from "./sets-that-ran.ts";

interface VerifyCommandOptions extends Target {
  against: "log" | "source";
  json?: boolean;
  junit?: string;
  valuesOnly?: boolean;
}

const CATCH_UP_TIMEOUT_MS = 60_000;
const ATTEMPTS = 4;
const PAUSE_MS = 1_500;

export function verify(program: Command, context: Context): void {
  program
    .command("verify [sets...]")
    .description(
      "recompute features without Spark and compare every value in both stores (default: all sets that were run)",
    )
    .addOption(target())
    .addOption(profile())
    .addOption(
      option("--against <truth>", "the Kafka topic, or the table in Postgres")
        .choices(["log", "source"])
        .default("log"),
    )
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
      const endpoints = await stack.endpoints();
      const storage = await stack.storage();
      await waitForCapture(stack, context);
      const featureSets = [];
      for (const { featureSet } of definitions) {
        const written = await storesWritten(stack.stateDir, featureSet.name);
        const once = async () => {
          if (!valuesOnly) await storage.fetch(offlineFolder(featureSet));
          return verifyFeatureSet(featureSet, {
            against: options.against,
            kafka: endpoints.kafka,
            topicPrefix: stack.topicPrefix,
            redis: endpoints.redis,
            offlineRoot: endpoints.offline,
            postgresUrl: databaseFor(options.against, endpoints, stack),
            scratch: path.join(stack.stateDir, "tmp"),
            valuesOnly,
            ...written,
          });
        };
        const report = await context.progress.step(
          `verifying ${featureSet.name} against the ${options.against}`,
          () => betweenBatches(once, stack, featureSet.name, context),
        );
        featureSets.push(report);
      }
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

/** Nothing, where it is not asked. */
function databaseFor(against: "log" | "source", { postgres }: Endpoints, { target }: Stack): string {
  if (against === "source" && postgres === undefined) {
    throw new UsageError(`the target ${target} knows of no database to verify against`, {
      hint: "Name it in the profile, or verify against the log.",
    });
  }
  return postgres ?? "";
}

/**
 * A job that writes meanwhile makes differences that are gone a moment later: while it lives, a reading counts only when
 * it found none, or was the last.
 */
async function betweenBatches(
  once: () => Promise<FeatureSetReport>,
  stack: Stack,
  featureSet: string,
  context: Context,
): Promise<FeatureSetReport> {
  for (let attempt = 1; ; attempt += 1) {
    const isWriting = (await runningJob(runFolder(stack.stateDir, featureSet))) !== undefined;
    const report = await once();
    if (!isWriting || report.differences.length === 0) return report;
    if (attempt === ATTEMPTS) {
      context.progress.note(`${featureSet} is being run: what is just being written may show as different.`);
      return report;
    }
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
}

/** What was committed just now should be in the log; when the connector is down, the log is as it is. */
async function waitForCapture(stack: Stack, context: Context): Promise<void> {
  try {
    await stack.captureCaughtUp(CATCH_UP_TIMEOUT_MS);
  } catch (error) {
    if (!(error instanceof CdcFeaturesError)) throw error;
    context.progress.note(`The log may lag behind the database: ${error.message}`);
  }
}
