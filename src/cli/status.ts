import { setTimeout } from "node:timers/promises";
import type { Command } from "commander";
import { EXIT, UsageError } from "../errors.ts";
import type { Watched } from "../monitor/families.ts";
import { lastEnded } from "../monitor/measures.ts";
import { watchedAsJson } from "../monitor/watched-json.ts";
import type { ServerStatus, Stack } from "../stack/stack.ts";
import { type RunState, runStates } from "../submit/run-states.ts";
import type { Context, Target } from "./context.ts";
import { json, option, profile, target } from "./options.ts";
import { formatTable } from "./report/table.ts";
import type { Terminal } from "./report/terminal.ts";
import { charts, missed, objectiveLines, watchedTable } from "./report/watched.ts";
import { Watch } from "./watch.ts";

interface StatusOptions extends Target {
  json?: boolean;
  watch?: boolean;
}

interface Status {
  servers: ServerStatus[];
  runs: RunState[];
  sets: Watched[];
}

const WATCH_MS = 1_000;
const CLEAR = "\x1b[H\x1b[J";

export function status(program: Command, context: Context): void {
  program
    .command("status")
    .description("the servers, the runs, and whether objectives are met (exit code 1 when one is not)")
    .addOption(option("--watch", "show it anew every second, with charts, until Ctrl-C"))
    .addOption(target())
    .addOption(profile())
    .addOption(json())
    .action(async (options: StatusOptions) => {
      if (options.watch && options.json)
        throw new UsageError("--json is one document, and --watch goes on until Ctrl-C", {
          hint: "Leave one of them out.",
        });
      const stack = context.stack(options);
      const watch = Watch.ofAll(stack, context.cwd);
      if (options.watch) {
        await keepShowing(watch, stack, context);
        return;
      }
      const now = await look(watch, stack);
      if (missed(now.sets).length > 0) context.exitWith(EXIT.differ);
      if (options.json) {
        const { servers, runs, sets } = now;
        const { target, stateDir } = stack;
        context.terminal.print(
          JSON.stringify({ target, stateDir, servers, runs, featureSets: sets.map(watchedAsJson) }),
        );
        return;
      }
      context.terminal.print(shown(now, context.terminal));
    });
}

async function look(watch: Watch, stack: Stack): Promise<Status> {
  const [servers, runs, sets] = await Promise.all([stack.status(), runStates(stack.stateDir), watch.look()]);
  return { servers, runs, sets };
}

/** On a terminal in one place; elsewhere one below the other. */
async function keepShowing(watch: Watch, stack: Stack, { terminal, interruption }: Context): Promise<void> {
  const signal = interruption();
  while (!signal.aborted) {
    const now = await look(watch, stack);
    const text = `${shown(now, terminal)}\n\n${charts(now.sets, terminal.columns)}`;
    terminal.print(process.stdout.isTTY ? CLEAR + text : text);
    await setTimeout(WATCH_MS, undefined, { signal }).catch(() => {});
  }
}

function shown({ servers, runs, sets }: Status, { paintOut: paint }: Terminal): string {
  const colour = { running: paint.green, stopped: paint.dim, crashed: paint.red };
  const rows = servers.map((server) => [
    server.name,
    colour[server.state](server.state),
    server.pid?.toString() ?? "",
    server.port?.toString() ?? "",
    server.detail ?? "",
  ]);
  const parts = [formatTable(["server", "state", "pid", "port", ""], rows)];
  if (runs.length > 0) {
    const lastOf = (name: string) => {
      const measures = sets.find((one) => one.measures.featureSet === name)?.measures;
      return measures && lastEnded(measures);
    };
    const how = { finished: paint.dim, stopped: paint.dim, failed: paint.red };
    const ended = (result: keyof typeof how | undefined) =>
      result ? how[result](result) : paint.dim("ended");
    const runRows = runs.map(({ featureSet, pid, log }) => [
      featureSet,
      pid === undefined ? ended(lastOf(featureSet)?.result) : paint.green("running"),
      pid?.toString() ?? "",
      log,
    ]);
    parts.push(formatTable(["run", "state", "pid", "log"], runRows));
    const failed = runs.flatMap(({ featureSet, pid }) => {
      const because = pid === undefined && lastOf(featureSet)?.because;
      return because ? [`${paint.red("✗")} ${because.split("\n").slice(0, 2).join(": ")}`] : [];
    });
    if (failed.length > 0) parts.push(failed.join("\n"));
  }
  if (sets.length > 0) parts.push(watchedTable(sets));
  const promised = objectiveLines(sets, paint);
  if (promised.length > 0) parts.push(promised.join("\n"));
  return parts.join("\n\n");
}
