/** What a run would do: the job's files are written, and spark-submit is shown. */
import { readFile } from "node:fs/promises";
import { withoutSecrets } from "../platform/secrets.ts";
import { quoted } from "../platform/shell.ts";
import type { Endpoints, SparkRuntime } from "../stack/stack.ts";
import { commandLine, environmentOf } from "../submit/command-line.ts";
import { settingsOf } from "../submit/settings.ts";
import type { Context } from "./context.ts";
import type { Definition } from "./definitions.ts";
import { type SubmissionOptions, submissionOf } from "./submission.ts";

interface DryRunOptions extends SubmissionOptions {
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
  for (const definition of definitions) {
    const submission = await submissionOf(definition, options, { stack, endpoints, storage });
    const { featureSet: name, folder, spark, redis } = submission;
    const { command, args } = commandLine(spark, submission);
    const settings = settingsOf({ ...submission, runId: "…" });
    const hide = hiding(spark, { ...endpoints, redis });
    runs.push({
      featureSet: name,
      script: folder.script,
      command: [command, ...args].map(hide),
      environment: changed(environmentOf(spark, submission), hide),
      properties: await propertiesOf(spark, hide),
      settings: JSON.parse(
        JSON.stringify(settings, (_, value) => (typeof value === "string" ? hide(value) : value)),
      ),
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

function changed(env: NodeJS.ProcessEnv, hide: (text: string) => string) {
  const differing = Object.entries(env).filter(([name, value]) => process.env[name] !== value);
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
