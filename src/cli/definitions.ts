/** From the names on a command line to checked feature sets. */
import { existsSync, readdirSync } from "node:fs";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { type Diagnostic, formatDiagnostic } from "../definition/diagnostics.ts";
import type { FeatureSet } from "../definition/feature-set.ts";
import { nearest } from "../definition/nearest.ts";
import { parseDefinition } from "../definition/parse-definition.ts";
import { UsageError } from "../errors.ts";
import { PACKAGE_ROOT } from "../stack/embedded/home.ts";

export interface Definition {
  featureSet: FeatureSet;
  /** Absolute path */
  file: string;
  text: string;
  /** The folder that its path is told relative to */
  project: string;
}

/** Loads every set named; throws one UsageError with all problems of all of them. */
export async function loadDefinitions(names: string[], cwd: string): Promise<Definition[]> {
  const unique = [...new Set(names)];
  const loaded = await Promise.all(unique.map((name) => readDefinition(findDefinition(name, cwd), cwd)));
  const diagnostics = loaded.flatMap((one) => one.diagnostics);
  if (diagnostics.length > 0) throw definitionProblems(diagnostics);
  return loaded.map(({ featureSet, ...rest }) => ({ featureSet: featureSet as FeatureSet, ...rest }));
}

export async function readDefinition(file: string, cwd: string) {
  const text = await readFile(file, "utf8").catch((cause: NodeJS.ErrnoException) => {
    throw new UsageError(`cannot read ${file}: ${cause.code ?? cause.message}`, { cause });
  });
  const shown = path.relative(cwd, file);
  const parsed = parseDefinition(text, shown.startsWith("..") ? file : shown);
  return { ...parsed, file, text, project: path.dirname(path.dirname(file)) };
}

export function definitionProblems(diagnostics: Diagnostic[]): UsageError {
  const count = diagnostics.length === 1 ? "1 problem" : `${diagnostics.length} problems`;
  return new UsageError(`${count} in the definition\n${diagnostics.map(formatDiagnostic).join("\n")}`);
}

/** A path as it is; a name in the project's `features/`, else among those that ship. */
function findDefinition(name: string, cwd: string): string {
  if (/[/\\]|\.ya?ml$/.test(name)) return path.resolve(cwd, name);
  for (const folder of definitionFolders(cwd)) {
    const file = path.join(folder, `${name}.yaml`);
    if (existsSync(file)) return file;
  }
  const known = [...new Set(definitionFolders(cwd).flatMap(definitionsIn))].map((file) =>
    path.basename(file, ".yaml"),
  );
  const suggestion = nearest(name, known);
  throw new UsageError(`no feature set named ${name}`, {
    hint: `${suggestion === undefined ? "" : `Did you mean ${suggestion}? `}There are: ${[...new Set(known)].sort().join(", ")}`,
  });
}

function definitionFolders(cwd: string): string[] {
  return [path.join(cwd, "features"), path.join(PACKAGE_ROOT, "features")];
}

/** The definitions of the project, or those that ship where it has none. */
export function allDefinitions(cwd: string): string[] {
  return (
    definitionFolders(cwd)
      .map(definitionsIn)
      .find((files) => files.length > 0) ?? []
  );
}

function definitionsIn(folder: string): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .filter((name) => name.endsWith(".yaml"))
    .sort()
    .map((name) => path.join(folder, name));
}
