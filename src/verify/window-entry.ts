/** One field of a companion hash: `<version>|<JSON array of alternating field and value>`, or `<version>|` without rows. */
export interface WindowEntry {
  version: string;
  /** Null for a window without rows. */
  values: Map<string, string> | null;
}

/** Undefined for text of another form. */
export function parseWindowEntry(text: string): WindowEntry | undefined {
  const match = /^(\d{20})\|(.*)$/s.exec(text);
  if (match === null) return undefined;
  const [, version = "", payload = ""] = match;
  if (payload === "") return { version, values: null };
  try {
    const flat = JSON.parse(payload) as unknown;
    if (!Array.isArray(flat) || flat.length % 2 !== 0 || flat.some((part) => typeof part !== "string"))
      return undefined;
    const values = new Map<string, string>();
    for (let i = 0; i < flat.length; i += 2) values.set(flat[i], flat[i + 1]);
    return { version, values };
  } catch {
    return undefined;
  }
}

const DIGITS = 12;

/** The field of a slot: a window's start in seconds, 12 characters wide; zeros in a set as of now. */
export function windowField(slot: number): string {
  const seconds = String(Math.abs(slot) / 1000);
  return slot < 0 ? `-${seconds.padStart(DIGITS - 1, "0")}` : seconds.padStart(DIGITS, "0");
}

/** Undefined for a field of another form. */
export function slotOfField(field: string): number | undefined {
  return /^(?=.{12}$)-?\d+$/.test(field) ? Number(field) * 1000 : undefined;
}
