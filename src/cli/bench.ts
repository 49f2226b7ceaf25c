/** Measures the real chain on this machine, on a stack of its own. */
import { existsSync } from "node:fs";
import { mkdir, readFile } from "node:fs/promises";
import path from "node:path";
import type { Command } from "commander";
import { type BenchOptions, runBench } from "../bench/bench.ts";
import { type BenchDocument, benchDocument, PARTS } from "../bench/document.ts";
import { pageOf } from "../bench/page/page.ts";
import { type PlanTexts, planOf } from "../bench/plan.ts";
import { DEFAULT_WAYS, WAYS } from "../bench/ways.ts";
import type { Place, ShippedSet } from "../bench/workbench.ts";
import { parseDefinition } from "../definition/parse-definition.ts";
import { UsageError } from "../errors.ts";
import { writeFileAtomic } from "../platform/files.ts";
import { homeOf, PACKAGE_ROOT } from "../stack/home.ts";
import type { Endpoints, Stack } from "../stack/stack.ts";
import { claimStateFolder } from "../stack/state-folder.ts";
import type { Context } from "./context.ts";
import { type Definition, definitionProblems, loadDefinitions } from "./definitions.ts";
import { json, option } from "./options.ts";
import { benchLines } from "./report/bench.ts";
import { DEFAULT_TRIGGER, duration } from "./run.ts";
import { submissionOf } from "./submission.ts";

interface BenchCommandOptions extends PlanTexts {
  out?: string;
  from?: string;
  keep?: boolean;
  json?: boolean;
}

/** Below the project's state folder. */
const FOLDER = "bench";

export function bench(program: Command, context: Context): void {
  program
    .command("bench [parts...]")
    .description(
      `measure the real chain, on servers of its own that are gone afterwards: ${PARTS.join(", ")} (default: all)`,
    )
    .addOption(option("--events <count>", "orders in the topic").default("1000000"))
    .addOption(option("--entities <count>", "customers that they are of").default("100000"))
    .addOption(
      option("--ways <names>", `ways of working it off: ${WAYS.map(({ name }) => name).join(", ")}`).default(
        DEFAULT_WAYS,
      ),
    )
    .addOption(
      option(
        "--rates <list>",
        "freshness: changes per second, such as 1,20,200; auto goes up to the first that does not hold",
      ).default("auto"),
    )
    .addOption(option("--seconds <count>", "freshness: how long each rate is measured").default("30"))
    .addOption(option("--warm-up <seconds>", "freshness: how long a job runs before").default("20"))
    .addOption(
      option("--trigger <duration>", "freshness: how long the exact job gathers changes")
        .default(DEFAULT_TRIGGER)
        .argParser(duration),
    )
    .addOption(option("--hot-rows <count>", "hot: orders of the one customer").default("1000000"))
    .addOption(option("--hot-rate <changes>", "hot: changes of it per second").default("100"))
    .addOption(
      option("--growth-events <list>", "growth: numbers of events, with --entities").default(
        "10000,100000,1000000",
      ),
    )
    .addOption(
      option("--growth-entities <list>", "growth: numbers of entities, with --events").default(
        "1000,10000,100000,1000000",
      ),
    )
    .addOption(option("--seed <number>", "same number, same orders").default("1"))
    .addOption(
      option(
        "--out <file>",
        "where the JSON goes, and beside it the page (default: bench.json and bench.html in the state folder's bench/)",
      ),
    )
    .addOption(option("--from <file>", "make the page of this JSON, and measure nothing"))
    .addOption(option("--keep", "leave the servers, and what they hold"))
    .addOption(json())
    .action(async (parts: string[], options: BenchCommandOptions) => {
      const document =
        options.from === undefined
          ? await measure(parts, options, context)
          : await readDocument(path.resolve(context.cwd, options.from));
      const files = filesOf(options, context);
      await write(document, files);
      if (options.json) context.terminal.print(JSON.stringify(document));
      else context.terminal.print(`${benchLines(document)}\n\n${files.json}\n${files.html}`);
    });
}

async function measure(
  parts: string[],
  options: BenchCommandOptions,
  context: Context,
): Promise<BenchDocument> {
  const plan = planOf(
    parts,
    options,
    WAYS.map(({ name }) => name),
  );
  const files = filesOf(options, context);
  // Before anything is there that would have to be ended.
  const signal = context.interruption();
  const stack = context.stack({ target: "embedded", within: path.join(FOLDER, "stack") });
  await claimStateFolder(homeOf(context.cwd, process.env));
  const definitions = await shippedDefinitions();
  const requestOf: BenchOptions["requestOf"] =
    (endpoints) =>
    (set, place, { continuous }) => {
      const run = {
        ...{ target: "embedded", continuous, trigger: plan.trigger, sink: "dual" as const },
        ...{ mode: "micro-batch" as const, realtimeBatch: "10 minutes" },
      };
      return submissionOf(definitions[set], run, placed(stack, endpoints, place));
    };
  const { customer, customer_append } = definitions;
  return runBench({
    ...{ plan, stack, signal, progress: context.progress, requestOf },
    sets: { customer: customer.featureSet, customer_append: customer_append.featureSet },
    logs: path.join(homeOf(context.cwd, process.env).state, FOLDER, "logs"),
    keep: options.keep ?? false,
    onPart: (document) => write(document, files),
  });
}

/** Another topic and other stores than the stack's, for sizes that are measured beside each other. */
function placed(stack: Stack, endpoints: Endpoints, { topicPrefix, redis, storage }: Place) {
  return {
    stack: {
      ...{ target: stack.target, modes: stack.modes, stateDir: stack.stateDir, topicPrefix },
      spark: stack.spark.bind(stack),
    },
    endpoints: { ...endpoints, redis },
    storage,
  };
}

/** As they ship, whatever the project has of that name. */
async function shippedDefinitions(): Promise<Record<ShippedSet, Definition>> {
  const file = path.join(PACKAGE_ROOT, "features", "customer.yaml");
  const [customer] = await loadDefinitions([file], PACKAGE_ROOT);
  return { customer: customer as Definition, customer_append: appendOnly(customer as Definition) };
}

/** The same set over a table that is only inserted into. */
export function appendOnly(shipped: Definition): Definition {
  const text = shipped.text
    .replace(/^name: customer$/m, "name: customer_append")
    .replace(/^source:$/m, "source:\n  append_only: true");
  const file = path.join(path.dirname(shipped.file), "customer_append.yaml");
  const { featureSet, diagnostics } = parseDefinition(text, file);
  if (featureSet === undefined || !featureSet.source.appendOnly) throw definitionProblems(diagnostics);
  return { ...shipped, file, text, featureSet };
}

interface Files {
  json: string;
  html: string;
}

function filesOf({ out }: BenchCommandOptions, { cwd }: Context): Files {
  const named =
    out === undefined
      ? path.join(homeOf(cwd, process.env).state, FOLDER, "bench")
      : path.resolve(cwd, out).replace(/\.(json|html)$/, "");
  return { json: `${named}.json`, html: `${named}.html` };
}

async function write(document: BenchDocument, files: Files): Promise<void> {
  await mkdir(path.dirname(files.json), { recursive: true });
  await writeFileAtomic(files.json, `${JSON.stringify(document, null, 2)}\n`);
  await writeFileAtomic(files.html, pageOf(document));
}

async function readDocument(file: string): Promise<BenchDocument> {
  if (!existsSync(file)) throw new UsageError(`there is no file ${file}`);
  try {
    return benchDocument.parse(JSON.parse(await readFile(file, "utf8")));
  } catch (cause) {
    throw new UsageError(`${file} is no document of bench`, {
      hint: "It is the JSON that `cdc-features bench` writes.",
      cause,
    });
  }
}
