/** Ports of a project's servers on 127.0.0.1: chosen once, remembered, and explained when somebody else has one. */
import { EnvironmentError } from "../errors.ts";
import { sha256 } from "../platform/files.ts";
import { isFree, ownerOf } from "../platform/ports.ts";
import type { Check } from "./stack.ts";

// Below the range that systems hand out for outgoing connections (Linux: from 32768).
const FIRST_PORT = 20_000;
const LAST_PORT = 32_000;

const HINT = "Stop that program, or let other ports be chosen: `cdc-features up --new-ports`.";

/** Free ports in a row, begun at a place that differs between state folders. */
export async function choosePorts<Name extends string>(
  stateDir: string,
  names: readonly Name[],
): Promise<Record<Name, number>> {
  const start = Number.parseInt(sha256(stateDir).slice(0, 8), 16) % (LAST_PORT - FIRST_PORT);
  const ports: Partial<Record<Name, number>> = {};
  let candidate = FIRST_PORT + start;
  for (const name of names) {
    for (let tries = 0; !(await isFree(candidate)); tries++) {
      if (tries > LAST_PORT - FIRST_PORT)
        throw new EnvironmentError(`no free port from ${FIRST_PORT} to ${LAST_PORT}`);
      candidate = candidate >= LAST_PORT ? FIRST_PORT : candidate + 1;
    }
    ports[name] = candidate;
    candidate = candidate >= LAST_PORT ? FIRST_PORT : candidate + 1;
  }
  return ports as Record<Name, number>;
}

/** Before a server starts: is its port still free? */
export async function claimPort(name: string, port: number): Promise<void> {
  if (await isFree(port)) return;
  throw new EnvironmentError(`port ${port}, remembered for ${name}, is taken by ${await ownerOf(port)}`, {
    hint: HINT,
  });
}

/** For `doctor`. */
export async function checkPort(name: string, port: number, isOurs: boolean): Promise<Check> {
  const check = { name: `port of ${name}`, ok: true, hint: undefined };
  if (isOurs) return { ...check, found: `${port}, in use by this stack` };
  if (await isFree(port)) return { ...check, found: `${port}, free` };
  return { ...check, ok: false, found: `${port} is taken by ${await ownerOf(port)}`, hint: HINT };
}
