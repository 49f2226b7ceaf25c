/** The command line as a user calls it: a process of its own. */
import { fileURLToPath } from "node:url";
import { execa } from "execa";

const LAUNCHER = fileURLToPath(new URL("../../../bin/cdc-features", import.meta.url));

export interface CliResult {
  exitCode?: number | undefined;
  stdout: string;
  stderr: string;
}

export async function cli(cwd: string, args: string[], env: Record<string, string> = {}): Promise<CliResult> {
  const result = await execa(process.execPath, [LAUNCHER, ...args], {
    cwd,
    reject: false,
    stdin: "ignore",
    env: { CI: "true", ...env },
  });
  return { exitCode: result.exitCode, stdout: result.stdout, stderr: result.stderr };
}

/** Starts a command that does not end by itself. */
export function startCli(cwd: string, args: string[], env: Record<string, string> = {}) {
  return execa(process.execPath, [LAUNCHER, ...args], {
    cwd,
    reject: false,
    stdin: "ignore",
    env: { CI: "true", ...env },
  });
}
