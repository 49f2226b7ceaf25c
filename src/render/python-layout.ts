/** Lays out Python so that `ruff format` has nothing to change in a rendered job. */
import { pythonLiteral, type Value } from "./python-literal.ts";

export const LINE_WIDTH = 120;

/** A call whose arguments are literals or calls; a keyword whose value is null is left out. */
export class Call {
  readonly name: string;
  readonly #positional: readonly Argument[];
  readonly #keywords: Readonly<Record<string, Argument>>;

  constructor(name: string, positional: readonly Argument[], keywords: Record<string, Argument> = {}) {
    this.name = name;
    this.#positional = positional;
    this.#keywords = keywords;
  }

  get arguments(): { prefix: string; value: Argument }[] {
    const keywords = Object.entries(this.#keywords).flatMap(([name, value]) =>
      value === null ? [] : [{ prefix: `${name}=`, value }],
    );
    return [...this.#positional.map((value) => ({ prefix: "", value })), ...keywords];
  }
}

export type Argument = Value | Call;

/**
 * On one line if it fits with `after` behind it, else one argument per line with a comma after the last, which
 * ruff leaves as it is at any greater width too. `indent` is that of the line, `column` where the code starts.
 */
export function layOut(code: Argument, indent: number, column = indent, after = 1): string {
  const flat = flatten(code);
  if (!(code instanceof Call) || column + flat.length + after <= LINE_WIDTH) return flat;
  const inner = " ".repeat(indent + 4);
  const lines = code.arguments.map(
    ({ prefix, value }) => `${inner}${prefix}${layOut(value, inner.length, inner.length + prefix.length)},\n`,
  );
  return `${code.name}(\n${lines.join("")}${" ".repeat(indent)})`;
}

function flatten(code: Argument): string {
  if (!(code instanceof Call)) return pythonLiteral(code);
  return `${code.name}(${code.arguments.map(({ prefix, value }) => prefix + flatten(value)).join(", ")})`;
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
