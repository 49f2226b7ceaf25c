/** Lays out Python as `ruff format` does, so that a rendered job needs no formatter. */
import { pythonLiteral, type Value } from "./python-literal.ts";

export const LINE_WIDTH = 110;

/** A call whose arguments are literals or calls; a keyword whose value is undefined or null is left out. */
export class Call {
  readonly name: string;
  readonly #positional: readonly Argument[];
  readonly #keywords: Readonly<Record<string, Argument | undefined>>;

  constructor(
    name: string,
    positional: readonly Argument[],
    keywords: Record<string, Argument | undefined> = {},
  ) {
    this.name = name;
    this.#positional = positional;
    this.#keywords = keywords;
  }

  get arguments(): { prefix: string; value: Argument }[] {
    const keywords = Object.entries(this.#keywords).flatMap(([name, value]) =>
      value === undefined || value === null ? [] : [{ prefix: `${name}=`, value }],
    );
    return [...this.#positional.map((value) => ({ prefix: "", value })), ...keywords];
  }
}

export type Argument = Value | Call;

/** On one line if it fits with `after` behind it; `indent` is that of its line, `column` where it starts. */
export function layOut(code: Argument, indent: number, column = indent, after = 1): string {
  const flat = flatten(code);
  if (!(code instanceof Call) || column + flat.length + after <= LINE_WIDTH) return flat;
  const outer = " ".repeat(indent);
  const inner = " ".repeat(indent + 4);
  const oneLine = flattenArguments(code);
  if (inner.length + oneLine.length <= LINE_WIDTH) return `${code.name}(\n${inner}${oneLine}\n${outer})`;
  const lines = code.arguments.map(
    ({ prefix, value }) => `${inner}${prefix}${layOut(value, inner.length, inner.length + prefix.length)},\n`,
  );
  return `${code.name}(\n${lines.join("")}${outer})`;
}

function flatten(code: Argument): string {
  return code instanceof Call ? `${code.name}(${flattenArguments(code)})` : pythonLiteral(code);
}

function flattenArguments(call: Call): string {
  return call.arguments.map(({ prefix, value }) => prefix + flatten(value)).join(", ");
}

/** `from module import …`, its names in the order of ruff's import rules. */
export function layOutImport(module: string, names: Iterable<string>): string {
  const isClass = (name: string) => /^[A-Z]/.test(name);
  const sorted = [...names].sort();
  const ordered = [...sorted.filter(isClass), ...sorted.filter((name) => !isClass(name))];
  const flat = `from ${module} import ${ordered.join(", ")}`;
  if (flat.length <= LINE_WIDTH) return flat;
  return `from ${module} import (\n${ordered.map((name) => `    ${name},\n`).join("")})`;
}

/** Words on lines no wider than allowed; the first starts at `column`, the others at `indent`. */
export function wrapWords(text: string, indent: number, column: number, after = 0): string {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(/\s+/).filter(Boolean)) {
    const start = lines.length === 0 ? column : indent;
    if (line !== "" && start + line.length + 1 + word.length + after > LINE_WIDTH) {
      lines.push(line);
      line = word;
    } else {
      line = line === "" ? word : `${line} ${word}`;
    }
  }
  return [...lines, line].join(`\n${" ".repeat(indent)}`);
}
