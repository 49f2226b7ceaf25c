/** Where messages go: stderr, in colour when it is a terminal. Data goes to stdout and nowhere else. */
import { Chalk, type ChalkInstance, supportsColorStderr } from "chalk";

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
