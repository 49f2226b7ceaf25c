/** Money is a whole number of cents here; numeric(12,2) always fits a safe integer. */

/** 1999 -> "19.99" */
export function fromCents(cents: number): string {
  const digits = String(Math.abs(cents)).padStart(3, "0");
  return `${cents < 0 ? "-" : ""}${digits.slice(0, -2)}.${digits.slice(-2)}`;
}

/** "19.99" -> 1999; the text is a numeric with two digits after the point, as Postgres prints it. */
export function toCents(text: string): number {
  return Number(text.replace(".", ""));
}
