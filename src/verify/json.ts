/** JSON whose numbers lose no digit. */

/** A number as the text it was written in. */
export interface LongNumber {
  $digits: string;
}

const STRING_OR_NUMBER = /"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g;

/** As `JSON.parse`, with a `LongNumber` for each number. Throws SyntaxError. */
export function parseLossless(text: string): unknown {
  JSON.parse(text); // what is no JSON must not become some by the replacements
  return JSON.parse(
    text.replace(STRING_OR_NUMBER, (token) => (token.startsWith('"') ? token : `{"$digits":"${token}"}`)),
  );
}

/** Whether a number that `JSON.parse` returned is surely what the text said. */
export function isFaithful(value: number): boolean {
  return Number.isSafeInteger(value) || (Math.abs(value) < 2 ** 53 && String(value).length <= 15);
}

export function isLongNumber(value: unknown): value is LongNumber {
  return typeof value === "object" && value !== null && "$digits" in value;
}
