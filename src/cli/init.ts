import { existsSync, readFileSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import type { Command } from "commander";
import { UsageError } from "../errors.ts";
import { PACKAGE_ROOT } from "../stack/home.ts";
import type { Context } from "./context.ts";
import { json } from "./options.ts";

/** As they stand in templates/project/. */
const FILES = ["features/spending.yaml", "tests/spending.test.yaml", "README.md"];

export function init(program: Command, context: Context): void {
  program
    .command("init [folder]")
    .description("make a project: a definition, golden tests of it, and what to do next")
    .addOption(json())
    .action(async (given: string | undefined, options: { json?: boolean }) => {
      const folder = path.resolve(context.cwd, given ?? ".");
      refuseToOverwrite(folder);
      for (const name of FILES) {
        const text = readFileSync(path.join(PACKAGE_ROOT, "templates/project", name), "utf8");
        await mkdir(path.dirname(path.join(folder, name)), { recursive: true });
        // Nobody else's file, even if it came to be just now.
        await writeFile(path.join(folder, name), text, { flag: "wx" });
      }
      if (options.json) {
        context.terminal.print(JSON.stringify({ folder, files: FILES }));
        return;
      }
      for (const name of FILES)
        context.terminal.print(`${path.relative(context.cwd, path.join(folder, name))} written`);
      const there = path.relative(context.cwd, folder);
      context.terminal.say(`Next: ${there === "" ? "" : `cd ${there} && `}cdc-features test`);
    });
}

function refuseToOverwrite(folder: string): void {
  const present = FILES.filter((name) => existsSync(path.join(folder, name)));
  if (present.length === 0) return;
  throw new UsageError(`${present.join(", ")} ${present.length === 1 ? "is" : "are"} already in ${folder}`, {
    hint: "Nothing was written. Name another folder: `cdc-features init <folder>`.",
  });
}
