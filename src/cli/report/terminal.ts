/** Where messages go: stderr, in colour when it is a terminal. Data goes to stdout and nowhere else. */
import { Chalk, type ChalkInstance, supportsColorStderr } from "chalk";
import { EXIT } from "../../errors.ts";

export interface Terminal {
  /** Colours for stderr. */
  paint: ChalkInstance;
  /** Colours for stdout. */
  paintOut: ChalkInstance;
  isTerminal: boolean;
  columns: number;
  /** A message to stderr, with its line end. */
  say(text: string): void;
  /** Data to stdout, with its line end. */
  print(text: string): void;
}

export function terminal(): Terminal {
  return {
    paint: new Chalk({ level: supportsColorStderr ? supportsColorStderr.level : 0 }),
    paintOut: new Chalk(process.stdout.isTTY ? {} : { level: 0 }),
    isTerminal: process.stderr.isTTY === true && process.env.CI === undefined,
    columns: process.stderr.columns ?? 80,
    say: (text) => void process.stderr.write(`${text}\n`),
    print: (text) => void process.stdout.write(`${text}\n`),
  };
}

/**
 * A reader that went away (`| head`) is no failure, and messages are worth no exit code; data that could not be
 * written is. Node would end with 1 for each of them, which means that features differ.
 */
export function guardOutput({ paint, say }: Terminal): void {
  process.stderr.on("error", () => {});
  let failed = false;
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code === "EPIPE" || failed) return;
    failed = true;
    say(`${paint.red.bold("error:")} cannot write to stdout: ${error.message}`);
    // At the very end: the error may come before or after the command has set its own code.
    process.once("exit", (code) => {
      if (code === EXIT.ok || code === EXIT.differ) process.exitCode = EXIT.failed;
    });
  });
}
