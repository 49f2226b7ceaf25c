/**
 * Steps on stderr. With a terminal the running steps share one live line; without one each step is a plain
 * line when it ends, and one that takes long says every few seconds where it is.
 */
import type { Progress, Step } from "../../platform/progress.ts";
import type { Terminal } from "./terminal.ts";

interface Running {
  label: string;
  detail: string;
  startedAt: number;
  saidAt: number;
}

const LIVE_EVERY_MS = 100;
const SAY_AGAIN_MS = 10_000;

export function progressOn(terminal: Terminal): Progress {
  const running = new Set<Running>();
  let timer: NodeJS.Timeout | undefined;

  const clear = () => {
    if (terminal.isTerminal) process.stderr.write("\r\x1b[2K");
  };
  const draw = () => {
    if (terminal.isTerminal) {
      const line = [...running]
        .map((one) => `${one.label} ${seconds(one)}${one.detail && ` · ${one.detail}`}`)
        .join("   ");
      clear();
      process.stderr.write(terminal.paint.dim(`… ${line}`.slice(0, terminal.columns - 1)));
      return;
    }
    for (const one of running) {
      if (performance.now() - one.saidAt < SAY_AGAIN_MS) continue;
      one.saidAt = performance.now();
      terminal.say(`… ${one.label} ${seconds(one)}${one.detail && ` · ${one.detail}`}`);
    }
  };
  const watch = () => {
    if (running.size > 0 && timer === undefined) {
      timer = setInterval(draw, terminal.isTerminal ? LIVE_EVERY_MS : 1_000).unref();
    }
    if (running.size === 0) {
      clearInterval(timer);
      timer = undefined;
    }
  };

  return {
    async step<T>(label: string, work: (step: Step) => Promise<T>): Promise<T> {
      const one: Running = { label, detail: "", startedAt: performance.now(), saidAt: performance.now() };
      running.add(one);
      watch();
      let mark = terminal.paint.green("✓");
      try {
        return await work({
          update: (detail) => {
            one.detail = detail;
          },
        });
      } catch (error) {
        mark = terminal.paint.red("✗");
        throw error;
      } finally {
        running.delete(one);
        watch();
        clear();
        terminal.say(`${mark} ${label} ${terminal.paint.dim(seconds(one))}`);
      }
    },
    note(text) {
      clear();
      terminal.say(text);
    },
  };
}

function seconds(one: Running): string {
  return `${((performance.now() - one.startedAt) / 1000).toFixed(1)} s`;
}
