import type { Command } from "commander";
import { runStates } from "../submit/run-states.ts";
import type { Context, Target } from "./context.ts";
import { json, profile, target } from "./options.ts";
import { formatTable } from "./report/table.ts";

export function status(program: Command, context: Context): void {
  program
    .command("status")
    .description("the servers and the runs")
    .addOption(target())
    .addOption(profile())
    .addOption(json())
    .action(async (options: Target & { json?: boolean }) => {
      const stack = context.stack(options);
      const [servers, runs] = await Promise.all([stack.status(), runStates(stack.stateDir)]);
      if (options.json) {
        context.terminal.print(
          JSON.stringify({ target: stack.target, stateDir: stack.stateDir, servers, runs }),
        );
        return;
      }
      const { paintOut: paint } = context.terminal;
      const colour = { running: paint.green, stopped: paint.dim, crashed: paint.red };
      const rows = servers.map((server) => [
        server.name,
        colour[server.state](server.state),
        server.pid?.toString() ?? "",
        server.port?.toString() ?? "",
        server.detail ?? "",
      ]);
      context.terminal.print(formatTable(["server", "state", "pid", "port", ""], rows));
      if (runs.length === 0) return;
      context.terminal.print("");
      const runRows = runs.map((run) => [
        run.featureSet,
        run.pid === undefined ? paint.dim("ended") : paint.green("running"),
        run.pid?.toString() ?? "",
        run.log,
      ]);
      context.terminal.print(formatTable(["run", "state", "pid", "log"], runRows));
    });
}
