import { type Command, InvalidArgumentError } from "commander";
import { type Feature, type FeatureSet, offlineFolder } from "../definition/feature-set.ts";
import { nearest } from "../definition/nearest.ts";
import { UsageError } from "../errors.ts";
import { explainFeature } from "../verify/explain.ts";
import type { Context, Target } from "./context.ts";
import { loadDefinitions } from "./definitions.ts";
import { json, option, profile, target } from "./options.ts";
import { explanationText } from "./report/explain.ts";

interface ExplainCommandOptions extends Target {
  limit: number;
  json?: boolean;
}

export function explain(program: Command, context: Context): void {
  program
    .command("explain <set> <entity> <feature>")
    .description("how an entity's feature came about: its window, rows and events, by the log")
    .addOption(target())
    .addOption(profile())
    .addOption(
      option("--limit <rows>", "rows and events shown on the screen, of each kind")
        .argParser(wholeNumber)
        .default(20),
    )
    .addOption(json())
    .action(async (set: string, entity: string, name: string, options: ExplainCommandOptions) => {
      const stack = context.stack(options);
      const [definition] = await loadDefinitions([set], context.cwd);
      if (definition === undefined) throw new UsageError(`no feature set named ${set}`);
      const { featureSet } = definition;
      const feature = featureNamed(featureSet, name);
      refuseOtherKey(featureSet, entity);
      const { kafka, redis, offline } = await stack.endpoints();
      await (await stack.storage()).fetch(offlineFolder(featureSet));
      const explanation = await context.progress.step(`reading the log of ${set}`, () =>
        explainFeature(featureSet, entity, feature, {
          kafka,
          topicPrefix: stack.topicPrefix,
          redis,
          offlineRoot: offline,
          now: new Date(),
        }),
      );
      context.terminal.print(
        options.json
          ? JSON.stringify(explanation)
          : explanationText(explanation, options.limit, context.terminal.paintOut),
      );
    });
}

function featureNamed({ name: set, features }: FeatureSet, wanted: string): Feature {
  const found = features.find(({ name }) => name === wanted);
  if (found !== undefined) return found;
  const names = features.map(({ name }) => name);
  const suggestion = nearest(wanted, names);
  throw new UsageError(`${set} has no feature named ${wanted}`, {
    hint: `${suggestion === undefined ? "" : `Did you mean ${suggestion}? `}There are: ${names.join(", ")}`,
  });
}

function refuseOtherKey({ name, entity }: FeatureSet, text: string): void {
  if (entity.length === 1 || partsOf(text) === entity.length) return;
  throw new UsageError(`an entity of ${name} has ${entity.length} parts: ${entity.join(":")}`, {
    hint: "A : or \\ within a part has a \\ before it.",
  });
}

/** The parts of a key of several columns, see `entityText`. */
function partsOf(text: string): number {
  return text.replace(/\\./g, "").split(":").length;
}

function wholeNumber(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError("It is a whole number.");
  return Number(text);
}
