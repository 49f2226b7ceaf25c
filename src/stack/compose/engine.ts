/** The Docker engine by its command line: compose v2, or the older `docker-compose` where only that is there. */
import { EnvironmentError, JobError } from "../../errors.ts";
import { type CommandResult, runCommand } from "../../platform/processes.ts";
import type { Check } from "../stack.ts";

/** A program with what comes before its arguments. */
export type ComposeCommand = readonly string[];

const COMMANDS: readonly ComposeCommand[] = [["docker", "compose"], ["docker-compose"]];

const GET_DOCKER = "Install Docker Engine, Docker Desktop or Colima (docs.docker.com/get-docker).";
const START_ENGINE =
  "Start Docker Desktop, or the service: `sudo systemctl start docker`. An engine of another user needs `sudo usermod -aG docker $USER` and a new login.";
const GET_COMPOSE =
  "Install the compose plugin (docs.docker.com/compose/install), on Debian and Ubuntu `apt-get install docker-compose-plugin` or `docker-compose`.";

/** What the limits in docker-compose.yml add up to, and a little for the engine. */
const MEMORY_BYTES = 7 * 1024 ** 3;

/** Throws EnvironmentError that names the first thing missing and the way to get it. */
export async function requireEngine(): Promise<ComposeCommand> {
  const { checks, compose } = await findEngine();
  const missing = checks.find(({ ok }) => !ok);
  if (missing === undefined && compose !== undefined) return compose;
  throw new EnvironmentError(
    `${missing?.name}: ${missing?.found}`,
    missing?.hint === undefined ? {} : { hint: `${missing.hint} Without Docker: \`--target embedded\`.` },
  );
}

/** What there is of it, and the command where all is there. */
export async function findEngine(): Promise<{ checks: Check[]; compose: ComposeCommand | undefined }> {
  const client = await runCommand("docker", ["--version"]);
  const docker = { name: "docker", ok: client.ok, found: client.ok ? firstLine(client.stdout) : "not found" };
  if (!client.ok) return { checks: [{ ...docker, hint: GET_DOCKER }], compose: undefined };
  const info = await runCommand("docker", ["info", "--format", "{{.ServerVersion}} {{.MemTotal}}"], {
    timeoutMs: 20_000,
  });
  const [, version = "", memory = ""] = /^(\S+) (\d+)$/m.exec(info.stdout) ?? [];
  const answers = info.ok && version !== "";
  const engine = answers
    ? {
        name: "docker engine",
        ok: true,
        found: `${version}, ${gibibytes(Number(memory))} of memory`,
        hint: memoryHint(Number(memory)),
      }
    : { name: "docker engine", ok: false, found: reasonIn(info), hint: START_ENGINE };
  const found = await composeCommand();
  const compose =
    found === undefined
      ? { name: "docker compose", ok: false, found: "not found", hint: GET_COMPOSE }
      : {
          name: "docker compose",
          ok: true,
          found: `${found.command.join(" ")} ${found.version}`,
          hint: undefined,
        };
  return { checks: [{ ...docker, hint: undefined }, engine, compose], compose: found?.command };
}

async function composeCommand(): Promise<{ command: ComposeCommand; version: string } | undefined> {
  for (const command of COMMANDS) {
    const [program = "", ...before] = command;
    const result = await runCommand(program, [...before, "version", "--short"]);
    if (result.ok) return { command, version: firstLine(result.stdout) };
  }
  return undefined;
}

function memoryHint(bytes: number): string | undefined {
  if (bytes >= MEMORY_BYTES) return undefined;
  return `The stack's limits add up to 6.7 GiB. With less, give the engine more memory, or expect slow jobs.`;
}

/** A `docker` command that has to work. Throws JobError with what it said. */
export async function docker(args: string[]): Promise<string> {
  const result = await runCommand("docker", args);
  if (result.ok) return result.stdout;
  throw new JobError(`\`docker ${args[0]}\` failed: ${reasonIn(result)}`);
}

/** The lines of a failed command that say most, the last ones. */
export function reasonIn({ stderr, stdout }: CommandResult): string {
  const lines = `${stdout}\n${stderr}`.split("\n").filter((line) => line.trim() !== "");
  return lines.slice(-6).join("\n") || "it ended without a message";
}

function firstLine(text: string): string {
  return text.trim().split("\n")[0] ?? "";
}

function gibibytes(bytes: number): string {
  return `${(bytes / 1024 ** 3).toFixed(1)} GiB`;
}
