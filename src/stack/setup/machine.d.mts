import type { Check } from "../../stack.ts";

export interface Python {
  command: string;
  /** Three numbers with dots */
  version: string;
  /** Whether the version fits */
  ok: boolean;
  /** Whether it can make virtual environments */
  venv: boolean;
}

export function checkNode(version?: string): Check;
export function checkPlatform(platform?: string): Check;
export function checkPython(env?: NodeJS.ProcessEnv): Check;
export function findPython(env?: NodeJS.ProcessEnv): Python | undefined;
