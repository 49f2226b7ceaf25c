/** From the names on a command line to checked feature sets. */
import { existsSync, readdirSync } from "node:fs";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { type Diagnostic, formatDiagnostic } from "../definition/diagnostics.ts";
import type { FeatureSet } from "../definition/feature-set.ts";
import { nearest } from "../definition/nearest.ts";
import { parseDefinition } from "../definition/parse-definition.ts";
import { UsageError } from "../errors.ts";
import { PACKAGE_ROOT } from "../stack/home.ts";

const ENDINGS = [".yaml", ".yml"];

export interface Definition {
  featureSet: FeatureSet;
  /** Absolute path */
  file: string;
  text: string;
  /** The folder that its path is told relative to */
  project: string;
}

/** Loads every set named, once; throws one UsageError with all problems of all of them. */
export async function loadDefinitions(names: string[], cwd: string): Promise<Definition[]> {
  const files = [...new Set(names.map((name) => findDefinition(name, cwd)))];
  const loaded = await Promise.all(files.map((file) => readDefinition(file, cwd)));
  const diagnostics = loaded.flatMap((one) => one.diagnostics);
  if (diagnostics.length > 0) throw definitionProblems(diagnostics);
  const definitions = loaded.map(({ featureSet, ...rest }) => ({
    featureSet: featureSet as FeatureSet,
    ...rest,
  }));
  refuseSameName(definitions);
  return definitions;
}

function refuseSameName(definitions: Definition[]): void {
  const files = new Map<string, string>();
  for (const { featureSet, file } of definitions) {
    const other = files.get(featureSet.name);
    if (other !== undefined) throw ambiguous(featureSet.name, [other, file]);
    files.set(featureSet.name, file);
  }
}

function ambiguous(name: string, files: string[]): UsageError {
  return new UsageError(`${files.length} files hold a feature set named ${name}: ${files.join(", ")}`, {
    hint: "They would write to one place in the stores. Give one of them another name, or take it away.",
  });
}

/** A file that cannot be read is a diagnostic, too, so that those of the others are told beside it. */
export async function readDefinition(file: string, cwd: string) {
  const relative = path.relative(cwd, file);
  const shown = relative.startsWith("..") ? file : relative;
  const about = { file, project: path.dirname(path.dirname(file)) };
  try {
    const text = await readFile(file, "utf8");
    return { ...parseDefinition(text, shown), text, ...about };
  } catch (error) {
    if (!(error instanceof Error && "syscall" in error)) throw error;
    const message = `cannot be read: ${error.message}`;
    const unreadable = { file: shown, line: 1, column: 1, rule: "unreadable-file", message };
    return { featureSet: undefined, diagnostics: [unreadable], text: "", ...about };
  }
}

export function definitionProblems(diagnostics: Diagnostic[], where = "in the definition"): UsageError {
  const count = diagnostics.length === 1 ? "1 problem" : `${diagnostics.length} problems`;
  return new UsageError(`${count} ${where}\n${diagnostics.map(formatDiagnostic).join("\n")}`);
}

/** A path as it is; a name in the project's `features/`, else among those that ship. */
export function findDefinition(name: string, cwd: string): string {
  if (isPath(name)) return path.resolve(cwd, name);
  for (const folder of definitionFolders(cwd)) {
    const files = ENDINGS.map((ending) => path.join(folder, name + ending)).filter((file) =>
      existsSync(file),
    );
    if (files.length > 1) throw ambiguous(name, files);
    if (files[0] !== undefined) return files[0];
  }
  const known = definitionFolders(cwd)
    .flatMap(definitionsIn)
    .map((file) => path.parse(file).name);
  const suggestion = nearest(name, known);
  throw new UsageError(`no feature set named ${name}`, {
    hint: `${suggestion === undefined ? "" : `Did you mean ${suggestion}? `}There are: ${[...new Set(known)].sort().join(", ")}`,
  });
}

/** Any other is a set's name. */
export function isPath(name: string): boolean {
  return /[/\\]|\.ya?ml$/.test(name);
}

function definitionFolders(cwd: string): string[] {
  const shipped = path.join(PACKAGE_ROOT, "features");
  return [path.join(cwd, "features"), shipped, path.join(shipped, "examples")];
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
    .filter((name) => ENDINGS.includes(path.extname(name)))
    .sort()
    .map((name) => path.join(folder, name));
}
