/** The command line in this process, with its output caught. */
import { Chalk } from "chalk";
import { main } from "../../../src/main.ts";

export async function call(cwd: string, ...args: string[]) {
  const out: string[] = [];
  const err: string[] = [];
  const plain = new Chalk({ level: 0 });
  const exitCode = await main(args, {
    cwd,
    env: process.env,
    terminal: {
      paint: plain,
      paintOut: plain,
      isTerminal: false,
      columns: 80,
      say: (text) => err.push(text),
      print: (text) => out.push(text),
    },
  });
  return { exitCode, stdout: out.join("\n"), stderr: err.join("\n") };
}
