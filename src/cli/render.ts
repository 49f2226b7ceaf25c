import path from "node:path";
import type { Command } from "commander";
import { EXIT } from "../errors.ts";
import { checkJob, provenanceOf, writeJob } from "../render/write-job.ts";
import type { Context } from "./context.ts";
import { loadDefinitions } from "./definitions.ts";
import { option } from "./options.ts";

export function render(program: Command, context: Context): void {
  program
    .command("render <sets...>")
    .description("write the PySpark jobs of feature sets")
    .addOption(option("--check", "change nothing; exit with 1 when a job is not what its definition says"))
    .addOption(option("--out <folder>", "where the jobs go").default("spark-jobs"))
    .action(async (sets: string[], options: { check?: boolean; out: string }) => {
      const folder = path.resolve(context.cwd, options.out);
      for (const { featureSet, file, text, project } of await loadDefinitions(sets, context.cwd)) {
        const provenance = provenanceOf(file, text, project);
        const job = await (options.check ? checkJob : writeJob)(featureSet, provenance, folder);
        const shown = path.relative(context.cwd, job.path);
        if (options.check && job.state !== "fresh") {
          context.terminal.say(`${shown} is ${job.state}: run \`cdc-features render ${featureSet.name}\``);
          context.exitWith(EXIT.differ);
        } else context.terminal.print(`${shown} ${job.state === "fresh" ? "is fresh" : "written"}`);
      }
    });
}
