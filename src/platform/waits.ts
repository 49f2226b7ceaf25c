/** Waiting for something to come about, with a limit and a reason to give up early. */
import { TimeoutError } from "../errors.ts";

export interface WaitOptions {
  /** What is waited for, as a noun: "Kafka to answer on 127.0.0.1:19092". */
  what: string;
  timeoutMs: number;
  intervalMs?: number;
  hint?: string;
  signal?: AbortSignal;
}

/** Calls `attempt` until it returns something other than undefined. Errors from `attempt` end the wait. */
export async function waitFor<T>(options: WaitOptions, attempt: () => Promise<T | undefined>): Promise<T> {
  const end = performance.now() + options.timeoutMs;
  for (;;) {
    options.signal?.throwIfAborted();
    const value = await attempt();
    if (value !== undefined) return value;
    if (performance.now() > end) {
      throw new TimeoutError(
        `waited ${Math.round(options.timeoutMs / 1000)} s for ${options.what}`,
        options.hint === undefined ? {} : { hint: options.hint },
      );
    }
    await sleep(options.intervalMs ?? 50);
  }
}

export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** True when `attempt` resolves, false when it rejects: for probes whose failure only means "not yet". */
export async function succeeds(attempt: () => Promise<unknown>): Promise<boolean> {
  try {
    await attempt();
    return true;
  } catch {
    return false;
  }
}
