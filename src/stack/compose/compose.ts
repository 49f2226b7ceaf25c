/** One project of compose: docker-compose.yml with the variables of a state folder. */
import { readFileSync } from "node:fs";
import path from "node:path";
import { parse } from "yaml";
import { JobError } from "../../errors.ts";
import { type CommandResult, runCommand } from "../../platform/processes.ts";
import { PACKAGE_ROOT } from "../home.ts";
import { type ComposeCommand, docker, reasonIn } from "./engine.ts";
import { type ComposeState, inCompose, variablesOf } from "./state.ts";

/** For a job to end its batch. */
const STOP_SECONDS = 45;

const FILE = path.join(PACKAGE_ROOT, "docker-compose.yml");

/** The image of master, workers and drivers. */
export function sparkImage(): string {
  const { services } = parse(readFileSync(FILE, "utf8"), { merge: true });
  return services["spark-master"].image;
}

export interface Container {
  service: string;
  /** As Docker says it: running, exited, created … */
  state: string;
  /** `Up 2 minutes (healthy)`, `Exited (137) 5 seconds ago` */
  status: string;
}

export class Compose {
  readonly project: string;
  readonly env: NodeJS.ProcessEnv;
  readonly #command: ComposeCommand;
  readonly #folder: string;

  constructor(command: ComposeCommand, folder: string, state: ComposeState) {
    this.#command = command;
    this.#folder = folder;
    this.project = state.project;
    // The user's own variables would come before those of a file.
    this.env = { ...process.env, ...variablesOf(folder, state) };
  }

  /** A whole command line. */
  line(...args: string[]): [string, ...string[]] {
    const [program = "", ...before] = this.#command;
    return [
      program,
      ...before,
      ...["--project-directory", PACKAGE_ROOT, "-f", FILE],
      ...["--env-file", inCompose.environment(this.#folder), "-p", this.project],
      ...args,
    ];
  }

  get #label(): string {
    return `label=com.docker.compose.project=${this.project}`;
  }

  run(args: string[]): Promise<CommandResult> {
    const [program, ...rest] = this.line(...args);
    return runCommand(program, rest, { env: this.env, cwd: this.#folder });
  }

  /** Throws JobError with what compose said. */
  async must(args: string[], what: string): Promise<string> {
    const result = await this.run(args);
    if (result.ok) return result.stdout;
    throw new JobError(`${what} failed:\n${reasonIn(result)}`, {
      hint: "See `cdc-features doctor` and `cdc-features logs NAME`.",
    });
  }

  /**
   * Those whose command is gone, too: `compose down` leaves containers of `compose run` as they are. One may have ended
   * by itself meanwhile.
   */
  async stopJobs(): Promise<void> {
    const filters = [this.#label, "label=com.docker.compose.oneoff=True"];
    const jobs = await docker(["ps", "--quiet", ...filters.flatMap((filter) => ["--filter", filter])]);
    const ids = jobs.split("\n").filter(Boolean);
    if (ids.length > 0) await docker(["stop", "-t", String(STOP_SECONDS), ...ids]).catch(() => "");
  }

  /** The newest container of each service. */
  async containers(): Promise<Container[]> {
    const format = '{{.Label "com.docker.compose.service"}}\t{{.State}}\t{{.Status}}';
    const lines = (await docker(["ps", "--all", "--filter", this.#label, "--format", format])).split("\n");
    const found = new Map<string, Container>();
    for (const line of lines) {
      const [service, state, status] = line.split("\t");
      if (service && state && status && !found.has(service)) found.set(service, { service, state, status });
    }
    return [...found.values()];
  }
}
