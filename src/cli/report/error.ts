/** An error on the screen: what happened, what to do. The last line is the one that matters. */
import { CdcFeaturesError, EXIT, type ExitCode } from "../../errors.ts";
import { quoted } from "../../platform/shell.ts";
import type { Target } from "../context.ts";
import { outsideError, UP_STARTS_SERVERS } from "./outside-error.ts";
import type { Terminal } from "./terminal.ts";

/** `target` is the one that the command was for; undefined where it did not come to that. */
export function reportError(error: unknown, terminal: Terminal, target?: Target): ExitCode {
  const { paint } = terminal;
  const known = error instanceof CdcFeaturesError ? error : outsideError(error);
  if (known !== undefined) {
    terminal.say(`${paint.red.bold("error:")} ${known.message}`);
    if (known.hint !== undefined) terminal.say(paint.cyan(forTarget(known.hint, target)));
    return known.exitCode;
  }
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  terminal.say(`${paint.red.bold("internal error:")} ${text}`);
  terminal.say("This is a bug in cdc-features.");
  return EXIT.failed;
}

/** Hints name commands as for the default target; here they are for this one. */
function forTarget(hint: string, { target = "embedded", profile }: Partial<Target> = {}): string {
  if (target === "embedded") return hint;
  const chosen = [
    ` --target ${target}`,
    ...(profile === undefined ? [] : [` --profile ${quoted(profile)}`]),
  ].join("");
  return hint
    .replace(UP_STARTS_SERVERS, target === "external" ? "" : "$&")
    .replace(LOG_OF_SERVER, target === "external" ? "the log of $1" : "$&")
    .replace(COMMAND_OF_TARGET, (command) =>
      command.includes("--target") ? command : `${command}${chosen}`,
    );
}

const LOG_OF_SERVER = /`cdc-features logs (kafka|redis|postgres|connect)`/g;
const COMMAND_OF_TARGET =
  /(?<=`)cdc-features (up|run|verify|get|status|logs|down|doctor|seed|traffic|sql)\b[^`]*/g;
