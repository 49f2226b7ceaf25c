/** The verification of sets, as `verify` and `report` do it. */
import path from "node:path";
import { offlineFolder } from "../definition/feature-set.ts";
import { CdcFeaturesError, UsageError } from "../errors.ts";
import type { Endpoints, Stack } from "../stack/stack.ts";
import { runningJob } from "../submit/run.ts";
import { runFolder } from "../submit/run-folder.ts";
import { storesWritten } from "../submit/run-states.ts";
import { type FeatureSetReport, verifyFeatureSet } from "../verify/verify.ts";
import type { Context } from "./context.ts";
import type { Definition } from "./definitions.ts";
import { option } from "./options.ts";

export type Against = "log" | "source";

export const against = () =>
  option("--against <truth>", "the Kafka topic, or the table in Postgres")
    .choices(["log", "source"] satisfies Against[])
    .default("log");

const CATCH_UP_TIMEOUT_MS = 60_000;
const ATTEMPTS = 4;
const PAUSE_MS = 1_500;

/**
 * One after the other, in their order, once all that was committed is in the log. Throws EnvironmentError when a server cannot be
 * reached or the topic or table is not there, UsageError where the target has no database to verify against.
 */
export async function verifyDefinitions(
  definitions: Definition[],
  { against, valuesOnly = false }: { against: Against; valuesOnly?: boolean },
  stack: Stack,
  context: Context,
): Promise<FeatureSetReport[]> {
  const endpoints = await stack.endpoints();
  const storage = await stack.storage();
  await waitForCapture(stack, context);
  const reports = [];
  for (const { featureSet } of definitions) {
    const written = await storesWritten(stack.stateDir, featureSet.name);
    const once = async () => {
      if (!valuesOnly) await storage.fetch(offlineFolder(featureSet));
      return verifyFeatureSet(featureSet, {
        against,
        kafka: endpoints.kafka,
        topicPrefix: stack.topicPrefix,
        redis: endpoints.redis,
        offlineRoot: endpoints.offline,
        postgresUrl: databaseFor(against, endpoints, stack),
        scratch: path.join(stack.stateDir, "tmp"),
        valuesOnly,
        ...written,
      });
    };
    reports.push(
      await context.progress.step(`verifying ${featureSet.name} against the ${against}`, () =>
        betweenBatches(once, stack, featureSet.name, context),
      ),
    );
  }
  return reports;
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
