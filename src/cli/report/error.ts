/** An error on the screen: what happened, what to do. The last line is the one that matters. */
import { CdcFeaturesError, EXIT, type ExitCode } from "../../errors.ts";
import { outsideError } from "./outside-error.ts";
import type { Terminal } from "./terminal.ts";

export function reportError(error: unknown, terminal: Terminal): ExitCode {
  const { paint } = terminal;
  const known = error instanceof CdcFeaturesError ? error : outsideError(error);
  if (known !== undefined) {
    terminal.say(`${paint.red.bold("error:")} ${known.message}`);
    if (known.hint !== undefined) terminal.say(paint.cyan(known.hint));
    return known.exitCode;
  }
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  terminal.say(`${paint.red.bold("internal error:")} ${text}`);
  terminal.say("This is a bug in cdc-features.");
  return EXIT.failed;
}
