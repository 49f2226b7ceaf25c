/** A log file of a server or a run, as a person wants to see it. */
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { UsageError } from "../errors.ts";
import { lastLines } from "./files.ts";

export interface LogOptions {
  /** How many from the end. */
  lines: number;
  /** Goes on until it fires. */
  follow: AbortSignal | undefined;
}

/** Throws UsageError where there is no file yet. */
export async function showLog(
  file: string,
  { lines, follow }: LogOptions,
  print: (text: string) => void,
): Promise<void> {
  if (!existsSync(file)) {
    throw new UsageError(`there is no log yet: ${file}`, { hint: "Start the stack with `cdc-features up`." });
  }
  if (follow === undefined) print((await lastLines(file, lines)).join("\n"));
  else await followed("tail", ["-n", String(lines), "-f", file], follow);
}

/** A program that writes to this terminal until the signal fires or it ends. */
export async function followed(
  command: string,
  args: string[],
  signal: AbortSignal,
  env: NodeJS.ProcessEnv = process.env,
): Promise<void> {
  const program = spawn(command, args, { stdio: ["ignore", "inherit", "inherit"], env });
  const stop = () => program.kill();
  signal.addEventListener("abort", stop);
  await new Promise((resolve) => program.once("exit", resolve));
  signal.removeEventListener("abort", stop);
}
