/** A run that finds nothing new: what the first run has left is all there is. */
import { z } from "zod";
import { callCommand } from "../command.ts";
import type { IdleResult } from "../document.ts";
import { wayNamed, workedOff } from "../ways.ts";
import type { Workbench } from "../workbench.ts";

const TIMES = 3;

const runOutput = z.object({ runs: z.array(z.object({ read: z.number(), seconds: z.number() })).length(1) });

export async function measureIdle(bench: Workbench): Promise<IdleResult> {
  await workedOff(bench, wayNamed("exact"));
  const result: IdleResult = { read: 0, commandSeconds: [], jobSeconds: [] };
  await bench.progress.step("run with nothing to do", async () => {
    for (let i = 0; i < TIMES; i++) {
      const { seconds, stdout } = await callCommand(bench, ["run", "customer", "--json"]);
      const [run] = runOutput.parse(JSON.parse(stdout)).runs;
      result.read += run?.read ?? 0;
      result.commandSeconds.push(seconds);
      result.jobSeconds.push(run?.seconds ?? 0);
    }
  });
  return result;
}
