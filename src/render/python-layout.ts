/** Lays out Python so that `ruff format` has nothing to change in a rendered job. */
import { pythonLiteral, type Value } from "./python-literal.ts";

export const LINE_WIDTH = 120;

/** A call whose arguments are code themselves; a keyword whose value is null is left out. */
export class Call {
  readonly name: string;
  readonly #positional: readonly Code[];
  readonly #keywords: Readonly<Record<string, Code>>;

  constructor(name: string, positional: readonly Code[], keywords: Record<string, Code> = {}) {
    this.name = name;
    this.#positional = positional;
    this.#keywords = keywords;
  }

  get arguments(): { prefix: string; value: Code }[] {
    const keywords = Object.entries(this.#keywords).flatMap(([name, value]) =>
      value === null ? [] : [{ prefix: `${name}=`, value }],
    );
    return [...this.#positional.map((value) => ({ prefix: "", value })), ...keywords];
  }
}

/** A name that a template defines or imports; never a value of a definition. */
export class Name {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

/** A literal, a name, a list or a call. */
export type Code = Value | Name | Call | readonly Code[];

/**
 * On one line if it fits with `after` behind it, else one argument per line with a comma after the last, which
 * ruff leaves as it is at any greater width too. `indent` is that of the line, `column` where the code starts.
 */
export function layOut(code: Code, indent: number, column = indent, after = 1): string {
  const flat = inline(code);
  const parts = partsOf(code);
  if (parts === undefined || parts.items.length === 0 || column + flat.length + after <= LINE_WIDTH)
    return flat;
  const inner = " ".repeat(indent + 4);
  const lines = parts.items.map(
    ({ prefix, value }) => `${inner}${prefix}${layOut(value, inner.length, inner.length + prefix.length)},\n`,
  );
  return `${parts.open}\n${lines.join("")}${" ".repeat(indent)}${parts.close}`;
}

/** On one line, however long. */
export function inline(code: Code): string {
  if (code instanceof Name) return code.text;
  const parts = partsOf(code);
  if (parts === undefined) return pythonLiteral(code as Value);
  return `${parts.open}${parts.items.map(({ prefix, value }) => prefix + inline(value)).join(", ")}${parts.close}`;
}

/** Of code that can be laid out over several lines. */
function partsOf(code: Code) {
  if (code instanceof Call) return { open: `${code.name}(`, items: code.arguments, close: ")" };
  if (!Array.isArray(code)) return undefined;
  return { open: "[", items: code.map((value: Code) => ({ prefix: "", value })), close: "]" };
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
