/** The one way in which values get into Python source. */

export type Value = string | number | boolean | null;

/** Source of a Python literal that evaluates to the value, in the form `ruff format` would give it. */
export function pythonLiteral(value: Value | undefined): string {
  if (value === undefined) throw new TypeError("a value is missing");
  if (value === null) return "None";
  if (typeof value === "boolean") return value ? "True" : "False";
  if (typeof value === "string") {
    const quote = count(value, '"') > count(value, "'") ? "'" : '"';
    return quote + escapeText(value).replaceAll(quote, `\\${quote}`) + quote;
  }
  if (Number.isSafeInteger(value)) return String(value);
  throw new TypeError(`${value} has no exact Python literal; pass a fraction as text`);
}

/** Text to stand between the `"""` of a docstring. */
export function docstringText(text: string): string {
  return escapeText(text).replaceAll('"', '\\"');
}

/** Control, format, unpaired surrogate and separator characters are spelled out: none may hide in a source file. */
function escapeText(text: string): string {
  return text.replaceAll("\\", "\\\\").replace(/(?! )[\p{C}\p{Z}]/gu, (character) => {
    const code = character.codePointAt(0) as number;
    const short = SHORT[character];
    if (short !== undefined) return short;
    if (code <= 0xff) return `\\x${hex(code, 2)}`;
    return code <= 0xffff ? `\\u${hex(code, 4)}` : `\\U${hex(code, 8)}`;
  });
}

const SHORT: Record<string, string> = { "\n": "\\n", "\r": "\\r", "\t": "\\t" };

const hex = (code: number, digits: number) => code.toString(16).padStart(digits, "0");

const count = (text: string, character: string) => text.split(character).length - 1;
