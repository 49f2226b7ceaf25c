import path from "node:path";
import type { Command } from "commander";
import type { Context } from "./context.ts";
import { allDefinitions, definitionProblems, readDefinition } from "./definitions.ts";
import { json } from "./options.ts";

export function validate(program: Command, context: Context): void {
  program
    .command("validate [files...]")
    .description("check definitions (default: all in features/) and say what is wrong, with file:line:column")
    .addOption(json())
    .action(async (files: string[], options: { json?: boolean }) => {
      const paths =
        files.length > 0 ? files.map((file) => path.resolve(context.cwd, file)) : allDefinitions(context.cwd);
      const checked = await Promise.all(paths.map((file) => readDefinition(file, context.cwd)));
      const diagnostics = checked.flatMap((one) => one.diagnostics);
      if (options.json)
        context.terminal.print(JSON.stringify({ ok: diagnostics.length === 0, files: paths, diagnostics }));
      if (diagnostics.length > 0) throw definitionProblems(diagnostics);
      if (!options.json)
        for (const one of checked) context.terminal.print(`✓ ${path.relative(context.cwd, one.file)}`);
    });
}
