/** Expressions, first step: text to tokens. */
import type { ArithmeticOperator, ComparisonOperator } from "../feature-set.ts";
import { ExpressionError } from "./syntax-tree.ts";

export type Operator = ArithmeticOperator | ComparisonOperator;

export type Token = { at: number } & (
  | { kind: "number" | "name" | "text"; text: string }
  | { kind: "operator"; text: Operator }
  | { kind: "(" | ")" | "," | "end" }
);

const PATTERN =
  /\s*(?:([0-9]+(?:\.[0-9]+)?)|([A-Za-z_][A-Za-z0-9_]*)|'((?:[^']|'')*)'|(>=|<=|!=|[-+*/><=])|([(),]))/y;

/** What other languages write. */
const FOREIGN: Record<string, string> = {
  "==": "=",
  "===": "=",
  "<>": "!=",
  "><": "!=",
  "=>": ">=",
  "=<": "<=",
};

export function tokenize(text: string): Token[] {
  const tokens: Token[] = [];
  const pattern = new RegExp(PATTERN);
  let end = 0;
  while (text.slice(end).trim() !== "") {
    const start = text.length - text.slice(end).trimStart().length;
    refuseForeign(text, start);
    pattern.lastIndex = end;
    const match = pattern.exec(text);
    if (match === null) throw new ExpressionError(meaningless(text[start] as string), start);
    const [, number, name, quoted, operator, mark] = match;
    end = pattern.lastIndex;
    if (number !== undefined) {
      if (/^[A-Za-z_.0-9]/.test(text.slice(end)))
        throw new ExpressionError("a number is written as in 12 or 0.5", start);
      tokens.push({ kind: "number", text: number, at: start });
    } else if (name !== undefined) tokens.push({ kind: "name", text: name, at: start });
    else if (quoted !== undefined)
      tokens.push({ kind: "text", text: quoted.replaceAll("''", "'"), at: start });
    else if (operator !== undefined) tokens.push({ kind: "operator", text: operator as Operator, at: start });
    else tokens.push({ kind: mark as "(" | ")" | ",", at: start });
  }
  tokens.push({ kind: "end", at: text.trimEnd().length });
  return tokens;
}

function meaningless(character: string): string {
  if (character === "'") return "this ' is never closed";
  if (character === '"') return "a text is written in single quotes, as in 'gold'";
  return `${JSON.stringify(character)} has no meaning here`;
}

function refuseForeign(text: string, start: number): void {
  const run = /^[=<>!&|]+/.exec(text.slice(start))?.[0] ?? "";
  const right = Object.hasOwn(FOREIGN, run) ? FOREIGN[run] : undefined;
  if (right !== undefined) throw new ExpressionError(`${run} is not an operator`, start, right);
}
