/** Where servers run, of the options of a command. */
export interface Target {
  target: string;
  profile?: string;
  /** Over the profile's. */
  master?: string;
  deployMode?: string;
  /** A folder below the project's state folder, where servers of their own keep everything. */
  within?: string;
}

/** What a command gets from main: where it runs and whom it talks to. */
import type { Progress } from "../platform/progress.ts";
import type { LocalSpark, Stack } from "../stack/stack.ts";
import type { Terminal } from "./report/terminal.ts";

export interface Context {
  cwd: string;
  terminal: Terminal;
  progress: Progress;
  /** Throws UsageError for an unknown target, or a profile that cannot be used. */
  stack(target: Target): Stack;
  localSpark(): LocalSpark;
  /** Fires on Ctrl-C, SIGTERM or SIGHUP. From the call on the command ends itself then; until it, main does. */
  interruption(): AbortSignal;
  /** Sets the exit code of a command that ended as it should but found something. */
  exitWith(code: number): void;
}
