/** What a compose stack remembers between commands: its ports, its passwords, its notes. */
import { randomBytes } from "node:crypto";
import { mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { z } from "zod";
import { EnvironmentError } from "../../errors.ts";
import { readIfExists, writeFileAtomic } from "../../platform/files.ts";
import { choosePorts } from "../project-ports.ts";
import type { StackMemory } from "../stack.ts";

/** Published on 127.0.0.1; `spark` is the master's web interface. */
export const PORTS = ["postgres", "kafka", "connect", "redis", "spark"] as const;
export type PortName = (typeof PORTS)[number];

const SECRETS = ["postgres-password", "redis-password"] as const;

const stackState = z.object({
  version: z.literal(1),
  /** Part of the names of containers and volumes. */
  project: z.string().regex(/^[a-z0-9-]+$/),
  ports: z.record(z.enum(PORTS), z.number().int().min(1024).max(32767)),
  memory: z.object({ demoData: z.enum(["seeded", "declined"]).optional() }),
});

export interface ComposeState {
  version: 1;
  project: string;
  ports: Record<PortName, number>;
  memory: StackMemory;
}

export const inCompose = {
  stack: (folder: string) => path.join(folder, "stack.json"),
  /** For `docker compose --env-file`. */
  environment: (folder: string) => path.join(folder, "compose.env"),
  secrets: (folder: string) => path.join(folder, "secrets"),
  secret: (folder: string, name: string) => path.join(folder, "secrets", name),
  /** The copy of the offline store. */
  offline: (folder: string) => path.join(folder, "features"),
  lock: (folder: string) => path.join(folder, "up.lock"),
  tmp: (folder: string) => path.join(folder, "tmp"),
};

/** Throws EnvironmentError for a file that cannot be read. */
export async function loadState(folder: string): Promise<ComposeState | undefined> {
  const file = inCompose.stack(folder);
  const text = await readIfExists(file);
  if (text === undefined) return undefined;
  try {
    return stackState.parse(JSON.parse(text)) as ComposeState;
  } catch (cause) {
    throw new EnvironmentError(`${file} cannot be read`, {
      hint: "It names the stack's containers and ports. Remove these containers, and the folder the file stands in.",
      cause,
    });
  }
}

/** Also what compose itself reads: its environment, and the secrets, made once. */
export async function saveState(folder: string, state: ComposeState): Promise<void> {
  await mkdir(inCompose.secrets(folder), { recursive: true, mode: 0o700 });
  for (const name of SECRETS) {
    // Readable in the container, where another user reads them; the folder lets nobody else in here.
    await writeFile(inCompose.secret(folder, name), randomBytes(18).toString("hex"), {
      flag: "wx",
      mode: 0o644,
    }).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== "EEXIST") throw error;
    });
  }
  await writeFileAtomic(
    inCompose.environment(folder),
    Object.entries(variablesOf(folder, state))
      .map(([name, value]) => `${name}=${value}\n`)
      .join(""),
  );
  await writeFileAtomic(inCompose.stack(folder), `${JSON.stringify(state, null, 2)}\n`);
}

/** What docker-compose.yml asks for. */
export function variablesOf(folder: string, { project, ports }: ComposeState): Record<string, string> {
  return {
    COMPOSE_PROJECT_NAME: project,
    CDC_FEATURES_SECRETS: inCompose.secrets(folder),
    ...Object.fromEntries(
      Object.entries(ports).map(([name, port]) => [`CDC_FEATURES_${name.toUpperCase()}_PORT`, String(port)]),
    ),
  };
}

export async function newState(folder: string, projectId: string): Promise<ComposeState> {
  return {
    version: 1,
    project: `cdc-features-${projectId}`,
    ports: await choosePorts(folder, PORTS),
    memory: {},
  };
}

export async function secretOf(folder: string, name: (typeof SECRETS)[number]): Promise<string> {
  const text = await readIfExists(inCompose.secret(folder, name));
  if (text !== undefined) return text;
  throw new EnvironmentError(`${inCompose.secret(folder, name)} is gone`, {
    hint: "Without it the stack's data cannot be read. `cdc-features down --purge`, then `up`.",
  });
}
