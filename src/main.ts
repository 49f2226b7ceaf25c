/** Wires everything, and is the only place that turns an error into an exit code. */
import { readFileSync } from "node:fs";
import path from "node:path";
import { Command, CommanderError } from "commander";
import { backfill } from "./cli/backfill.ts";
import { bench } from "./cli/bench.ts";
import type { Context, Target } from "./cli/context.ts";
import { doctor } from "./cli/doctor.ts";
import { down } from "./cli/down.ts";
import { drift } from "./cli/drift.ts";
import { exec } from "./cli/exec.ts";
import { explain } from "./cli/explain.ts";
import { get } from "./cli/get.ts";
import { init } from "./cli/init.ts";
import { logs } from "./cli/logs.ts";
import { monitor } from "./cli/monitor.ts";
import { quarantine } from "./cli/quarantine.ts";
import { render } from "./cli/render.ts";
import { reportError } from "./cli/report/error.ts";
import { progressOn } from "./cli/report/progress.ts";
import { guardOutput, terminal as realTerminal, type Terminal } from "./cli/report/terminal.ts";
import { report } from "./cli/report.ts";
import { run } from "./cli/run.ts";
import { seed } from "./cli/seed.ts";
import { sql } from "./cli/sql.ts";
import { status } from "./cli/status.ts";
import { test } from "./cli/test.ts";
import { traffic } from "./cli/traffic.ts";
import { up } from "./cli/up.ts";
import { validate } from "./cli/validate.ts";
import { verify } from "./cli/verify.ts";
import { EXIT, InterruptedError, UsageError } from "./errors.ts";
import { ComposeStack } from "./stack/compose/compose-stack.ts";
import { EmbeddedStack } from "./stack/embedded/embedded-stack.ts";
import { ExternalStack } from "./stack/external/external-stack.ts";
import { readProfile } from "./stack/external/profile.ts";
import { homeOf } from "./stack/home.ts";
import type { Stack } from "./stack/stack.ts";

/** In the order of the help. */
const COMMANDS = [
  run,
  backfill,
  verify,
  get,
  explain,
  quarantine,
  drift,
  report,
  up,
  status,
  monitor,
  logs,
  down,
  doctor,
  validate,
  render,
  test,
  init,
  seed,
  traffic,
  sql,
  exec,
  bench,
];

/** Each asks the command to end; SIGHUP comes when its terminal is closed. */
const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

export interface World {
  cwd: string;
  env: NodeJS.ProcessEnv;
  terminal: Terminal;
}

/** Runs one command line and returns its exit code; after 130 something may still be at work and has to be cut off. */
export async function main(args: string[], world: World = realWorld()): Promise<number> {
  const { cwd, env, terminal } = world;
  let exitCode: number = EXIT.ok;
  const interrupt = new AbortController();
  let endsItself = false;
  let target: Target | undefined;
  let onSignal = () => {};
  const interrupted = new Promise<never>((_, reject) => {
    onSignal = () => {
      // Whoever asks twice does not want to wait.
      if (!endsItself || interrupt.signal.aborted) reject(new InterruptedError("interrupted"));
      interrupt.abort();
    };
  });
  for (const signal of SIGNALS) process.on(signal, onSignal);
  const context: Context = {
    cwd,
    terminal,
    progress: progressOn(terminal),
    stack: (chosen) => {
      target = chosen;
      return stackOf(chosen, cwd, env);
    },
    localSpark: () => new EmbeddedStack(homeOf(cwd, env)),
    interruption: () => {
      endsItself = true;
      return interrupt.signal;
    },
    exitWith: (code) => {
      exitCode = code;
    },
  };
  try {
    await Promise.race([programOf(context).parseAsync(args, { from: "user" }), interrupted]);
    return exitCode;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
    return reportError(error, terminal, target);
  } finally {
    for (const signal of SIGNALS) process.off(signal, onSignal);
  }
}

/** This process, in which whatever goes wrong outside of a command must not look like 1, features that differ. */
function realWorld(): World {
  const terminal = realTerminal();
  guardOutput(terminal);
  process.on("uncaughtException", (error) => process.exit(reportError(error, terminal)));
  return { cwd: process.cwd(), env: process.env, terminal };
}

function programOf(context: Context): Command {
  const { version, description } = JSON.parse(
    readFileSync(new URL("../package.json", import.meta.url), "utf8"),
  ) as {
    version: string;
    description: string;
  };
  const program = new Command("cdc-features")
    .description(description)
    .version(version)
    .exitOverride()
    // The options of a program that `exec` runs are its own.
    .enablePositionalOptions()
    .configureOutput({
      writeOut: (text) => context.terminal.print(text.trimEnd()),
      writeErr: (text) => context.terminal.say(text.trimEnd()),
    })
    .showHelpAfterError()
    .showSuggestionAfterError();
  for (const command of COMMANDS) command(program, context);
  return program;
}

function stackOf(options: Target, cwd: string, env: NodeJS.ProcessEnv): Stack {
  const { target, profile, master, deployMode, within } = options;
  const home = homeOf(cwd, env, within);
  if (target !== "external" && (master !== undefined || deployMode !== undefined)) {
    throw new UsageError(`the target ${target} brings its own Spark`, {
      hint: "`--master` and `--deploy-mode` go with `--target external`.",
    });
  }
  if (target === "embedded") return new EmbeddedStack(home);
  if (target === "compose") return new ComposeStack(home);
  if (target === "external" && profile !== undefined)
    return new ExternalStack(home, readProfile(path.resolve(cwd, profile), env, options));
  if (target === "external") {
    throw new UsageError("the target external needs a profile", {
      hint: "`--profile FILE` names your Kafka, Redis, Spark and storage, see docs/clusters.md.",
    });
  }
  throw new UsageError(`no target named ${target}`, { hint: "There are: embedded, compose, external" });
}
