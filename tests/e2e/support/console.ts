/** Types the commands of a page, as a reader would, in one folder and its terminals. */
import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { execa } from "execa";
import { firstMismatch, type Line, type Step, type Typed } from "./console-page.ts";

const TIMEOUT_MS = 400_000;
const REPEAT_MS = 120_000;

export class PageError extends Error {}

/** `exec` before a command lets signals reach it. */
function shell(
  command: string,
  { cwd, env, timeout = 0 }: { cwd: string; env: NodeJS.ProcessEnv; timeout?: number },
) {
  return execa("bash", ["-c", command], {
    ...{ cwd, env, extendEnv: false, timeout },
    ...{ stdin: "ignore" as const, all: true as const, reject: false as const },
  });
}

export class Console {
  readonly #page: string;
  readonly #folder: string;
  readonly #env: NodeJS.ProcessEnv;
  readonly #terminals = new Map<string, ReturnType<typeof shell>>();
  #exitCode = 0;

  constructor(page: string, folder: string, env: NodeJS.ProcessEnv) {
    this.#page = page;
    this.#folder = folder;
    this.#env = env;
  }

  /** Throws a PageError that names the line where something else came out. */
  async take(step: Step): Promise<void> {
    if (step.kind === "saved") {
      const file = path.join(this.#folder, step.file);
      mkdirSync(path.dirname(file), { recursive: true });
      writeFileSync(file, step.text);
    } else if (step.command === "^C") await this.#interrupt(step);
    else if (step.terminal !== undefined) {
      const started = shell(`exec ${step.command}`, { cwd: this.#folder, env: this.#env });
      this.#terminals.set(step.terminal, started);
    } else if (step.repeats) await this.#repeat(step);
    else this.#compare(step, await this.#type(step.command));
  }

  /** Ends what still runs in other terminals. */
  async close(): Promise<void> {
    for (const running of this.#terminals.values()) {
      running.kill("SIGINT");
      await running;
    }
  }

  async #interrupt(step: Typed): Promise<void> {
    const running = this.#terminals.get(step.terminal ?? "");
    if (running === undefined)
      throw new PageError(`${this.#page}:${step.line}: nothing runs in that terminal`);
    this.#terminals.delete(step.terminal ?? "");
    running.kill("SIGINT");
    const { all, exitCode } = await running;
    this.#compare(step, { output: String(all), exitCode });
  }

  async #repeat(step: Typed): Promise<void> {
    const end = Date.now() + REPEAT_MS;
    for (;;) {
      const printed = await this.#type(step.command);
      if (firstMismatch(step.expected, printed.output) === undefined || Date.now() > end) {
        this.#compare(step, printed);
        return;
      }
    }
  }

  async #type(command: string) {
    const result = await shell(`(exit ${this.#exitCode})\n${command}`, {
      ...{ cwd: this.#folder, env: this.#env, timeout: TIMEOUT_MS },
    });
    this.#exitCode = result.exitCode ?? 1;
    return { output: String(result.all), exitCode: result.exitCode };
  }

  #compare(step: Typed, { output, exitCode }: { output: string; exitCode: number | undefined }): void {
    const wrong = firstMismatch(step.expected, output);
    if (wrong !== undefined) this.#fail(step, wrong, `expected: ${wrong.text}`, output);
    if (exitCode !== 0 && !step.mayFail)
      this.#fail(step, step, `ended with ${exitCode ?? "a signal or after its time"}`, output);
  }

  #fail({ command }: Typed, { line }: Pick<Line, "line">, what: string, output: string): never {
    throw new PageError(`${this.#page}:${line}: ${what}\n$ ${command}\n${output}`);
  }
}
