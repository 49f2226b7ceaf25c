/** JSON whose numbers lose no digit. */

/** A number that a double cannot hold, as the text it was written in. */
export interface LongNumber {
  $digits: string;
}

const STRING_OR_NUMBER = /"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g;

/** As `JSON.parse`, with each number that a double would change in a `LongNumber`. Throws SyntaxError. */
export function parseLossless(text: string): unknown {
  JSON.parse(text); // what is no JSON must not become some by the replacements
  return JSON.parse(
    text.replace(STRING_OR_NUMBER, (token) =>
      token.startsWith('"') || isExact(token) ? token : `{"$digits":"${token}"}`,
    ),
  );
}

/** Fifteen significant digits always fit into a double. */
function isExact(token: string): boolean {
  return token.length <= 15 || Number.isSafeInteger(Number(token));
}

/** Whether a number that `JSON.parse` returned is surely what the text said. */
export function isFaithful(value: number): boolean {
  return Number.isSafeInteger(value) || String(value).length <= 15;
}

export function isLongNumber(value: unknown): value is LongNumber {
  return typeof value === "object" && value !== null && "$digits" in value;
}
