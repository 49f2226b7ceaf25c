/** What a run would do, without any server: the job's files are written, and spark-submit is shown. */
import { readFile } from "node:fs/promises";
import path from "node:path";
import { topicOf } from "../definition/feature-set.ts";
import { withoutSecrets } from "../platform/secrets.ts";
import { provenanceOf, writeJob } from "../render/write-job.ts";
import { PACKAGE_ROOT } from "../stack/home.ts";
import type { Endpoints, SparkRuntime } from "../stack/stack.ts";
import { commandLine } from "../submit/command-line.ts";
import { planOf } from "../submit/plan.ts";
import { runFolder, type Sink } from "../submit/run-folder.ts";
import { settingsOf } from "../submit/settings.ts";
import type { Context, Target } from "./context.ts";
import type { Definition } from "./definitions.ts";

interface DryRunOptions extends Target {
  continuous?: boolean;
  conf?: Record<string, string>;
  sink: Sink;
  json?: boolean;
}

export interface DryRun {
  featureSet: string;
  script: string;
  /** Program and arguments. */
  command: string[];
  /** Variables that differ from this command's own. */
  environment: Record<string, string>;
  /** The content of the file that `--properties-file` names. */
  properties: string | null;
  /** The content of the job's settings file. */
  settings: Record<string, unknown>;
}

/** Prints it as a person would type it, or as JSON; secrets are shown as `***`. */
export async function dryRun(
  definitions: Definition[],
  options: DryRunOptions,
  context: Context,
): Promise<void> {
  const stack = context.stack(options);
  const [endpoints, storage] = await Promise.all([stack.endpoints(), stack.storage()]);
  const runs: DryRun[] = [];
  for (const { featureSet, file, text, project } of definitions) {
    const { name } = featureSet;
    const folder = runFolder(stack.stateDir, name);
    await writeJob(featureSet, provenanceOf(file, text, project), folder.folder);
    const topic = topicOf(featureSet.source, stack.topicPrefix);
    const continuous = options.continuous ?? false;
    const target = await stack.spark({ featureSet: name, topic, continuous });
    const spark = { ...target, conf: { ...target.conf, ...options.conf } };
    const pythonPath = path.join(PACKAGE_ROOT, "spark-jobs");
    const { kafka, redis } = spark.servers ?? endpoints;
    const { command, args } = commandLine(spark, { featureSet: name, folder, pythonPath });
    const settings = settingsOf({
      ...{ featureSet: name, folder, pythonPath, spark, kafka, redis, storage, continuous },
      ...{ topicPrefix: stack.topicPrefix, sink: options.sink, inStep: true, plan: planOf(featureSet) },
      signal: new AbortController().signal,
      prepare: async () => {},
      onEvent: () => {},
    });
    const hide = hiding(spark, { ...endpoints, redis });
    runs.push({
      featureSet: name,
      script: folder.script,
      command: [command, ...args].map(hide),
      environment: changed(spark.env, pythonPath, hide),
      properties: await propertiesOf(spark, hide),
      settings: JSON.parse(hide(JSON.stringify(settings))) as Record<string, unknown>,
    });
  }
  if (options.json) context.terminal.print(JSON.stringify({ dryRuns: runs }));
  else for (const run of runs) context.terminal.print(asText(run));
}

/** What a server asks for as a password is in its URL. */
function hiding({ secrets = [] }: SparkRuntime, { postgres, redis }: Endpoints): (text: string) => string {
  const passwords = [postgres, redis.url].flatMap((url) =>
    url === undefined ? [] : [new URL(url).password],
  );
  return (text) => withoutSecrets(text, [...secrets, ...passwords]);
}

function changed(env: NodeJS.ProcessEnv, pythonPath: string, hide: (text: string) => string) {
  const all = { ...env, PYTHONPATH: pythonPath };
  const differing = Object.entries(all).filter(([name, value]) => process.env[name] !== value);
  return Object.fromEntries(differing.map(([name, value]) => [name, hide(value ?? "")]));
}

async function propertiesOf({ options = [] }: SparkRuntime, hide: (text: string) => string) {
  const at = options.indexOf("--properties-file");
  return at < 0 ? null : hide(await readFile(options[at + 1] as string, "utf8"));
}

function asText({ featureSet, environment, command, properties, settings }: DryRun): string {
  const variables = Object.entries(environment).map(([name, value]) => `${name}=${quoted(value)} \\`);
  return [
    `# ${featureSet}`,
    ...variables,
    lines(command),
    ...(properties === null ? [] : ["", "# properties", properties.trimEnd()]),
    "",
    "# settings",
    JSON.stringify({ ...settings, plan: "…" }, null, 2),
    "",
  ].join("\n");
}

/** An option and its value a line. */
function lines(command: string[]): string {
  const words = command.map(quoted);
  const rows = words.reduce<string[][]>((rows, word) => {
    const last = rows.at(-1);
    const isValue =
      last !== undefined && last.length === 1 && last[0]?.startsWith("--") && !word.startsWith("--");
    if (isValue) last.push(word);
    else rows.push([word]);
    return rows;
  }, []);
  return rows.map((row) => row.join(" ")).join(" \\\n  ");
}

function quoted(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}
