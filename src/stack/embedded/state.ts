/** What the stack remembers between commands: its ports, its password, its processes. */
import { randomBytes } from "node:crypto";
import { mkdirSync, renameSync, writeFileSync } from "node:fs";
import path from "node:path";
import { z } from "zod";
import { EnvironmentError } from "../../errors.ts";
import { readIfExists } from "../../platform/files.ts";
import { type ProcessRef, processRef } from "../../platform/processes.ts";
import { type Home, inState } from "../home.ts";
import { choosePorts } from "../project-ports.ts";
import type { StackMemory } from "../stack.ts";

export const SERVERS = ["postgres", "kafka", "connect", "redis"] as const;
export type ServerName = (typeof SERVERS)[number];

/** Kafka listens twice: for clients, and as its own controller. */
export const PORTS = [...SERVERS, "controller"] as const;
export type PortName = (typeof PORTS)[number];

const stackState = z.object({
  version: z.literal(1),
  id: z.string().optional(),
  ports: z.record(z.enum(PORTS), z.number().int().min(1024).max(32767)),
  password: z.string(),
  processes: z.partialRecord(z.enum(SERVERS), processRef),
  memory: z.object({ demoData: z.enum(["seeded", "declined"]).optional() }),
});

export interface StackState {
  version: 1;
  /** Tells this state from an earlier one in the same place; states of old have none. */
  id?: string;
  ports: Record<PortName, number>;
  /** Of the Postgres user. */
  password: string;
  processes: Partial<Record<ServerName, ProcessRef>>;
  memory: StackMemory;
}

export async function loadState(home: Home): Promise<StackState | undefined> {
  const file = inState.stack(home);
  const text = await readIfExists(file);
  if (text === undefined) return undefined;
  try {
    return stackState.parse(JSON.parse(text)) as StackState;
  } catch (cause) {
    throw new EnvironmentError(`${file} cannot be read`, {
      hint: "It holds the stack's ports and processes. Remove the folder it stands in and run `cdc-features up`.",
      cause,
    });
  }
}

/** At once: servers start side by side, none may be forgotten by a write that ends late or not at all. */
export function saveState(home: Home, state: StackState): void {
  const file = inState.stack(home);
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(`${file}.tmp`, `${JSON.stringify(state, null, 2)}\n`, { mode: 0o600 });
  renameSync(`${file}.tmp`, file);
}

export async function newState(home: Home): Promise<StackState> {
  return {
    version: 1,
    id: randomBytes(4).toString("hex"),
    ports: await choosePorts(home.state, PORTS),
    password: randomBytes(12).toString("hex"),
    processes: {},
    memory: {},
  };
}
