/** This program as a process of its own, on the benchmark's stack. */
import path from "node:path";
import { JobError } from "../errors.ts";
import { runCommand } from "../platform/processes.ts";
import { PACKAGE_ROOT } from "../stack/home.ts";
import { rounded } from "./statistics.ts";
import type { Workbench } from "./workbench.ts";

export async function callCommand(
  bench: Workbench,
  args: string[],
): Promise<{ seconds: number; stdout: string }> {
  bench.refuseInterrupted();
  const begun = performance.now();
  const { ok, stdout, stderr } = await launch(bench, args, { signal: bench.signal });
  const seconds = rounded((performance.now() - begun) / 1000);
  bench.refuseInterrupted();
  if (!ok) throw failed(args, stderr);
  return { seconds, stdout };
}

/** The same for one that goes on until the signal ends it; resolves then. */
export async function followCommand(bench: Workbench, args: string[], signal: AbortSignal): Promise<void> {
  const { ok, stderr } = await launch(bench, args, { signal, graceMs: 90_000 });
  if (!ok && !signal.aborted) throw failed(args, stderr);
}

function launch(bench: Workbench, args: string[], ending: { signal: AbortSignal; graceMs?: number }) {
  const launcher = path.join(PACKAGE_ROOT, "bin", "cdc-features");
  return runCommand(process.execPath, [launcher, ...args], {
    // Definitions of the user's project, and options in variables, are not meant.
    cwd: bench.stack.stateDir,
    env: { ...ownVariablesOnly(process.env), CDC_FEATURES_HOME: bench.stack.stateDir },
    ...ending,
  });
}

function failed(args: string[], stderr: string): JobError {
  return new JobError(`\`cdc-features ${args.join(" ")}\` failed:\n${stderr}`);
}

function ownVariablesOnly(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const isOption = (name: string) => name.startsWith("CDC_FEATURES_") && name !== "CDC_FEATURES_CACHE";
  return Object.fromEntries(Object.entries(env).filter(([name]) => !isOption(name)));
}
