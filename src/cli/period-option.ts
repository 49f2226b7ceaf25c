import type { Period } from "../drift/periods.ts";
import { UsageError } from "../errors.ts";
import { microsOfDateOrTime } from "../platform/instants.ts";

/** Reads `FROM..TO`, each a date (its start, UTC) or a time with its zone; throws UsageError that names the option. */
export function periodOption(name: "current" | "reference"): (text: string) => Period {
  return (text) => {
    const wrong = (message: string) =>
      new UsageError(`--${name}: ${message}`, {
        hint: `For example --${name} 2026-11-01..2026-11-08 or --${name} 2026-11-01T06:00:00Z..2026-11-01T18:00:00Z; the end is no part of it. CDC_FEATURES_${name.toUpperCase()} says the same.`,
      });
    const sides = text.split("..");
    if (sides.length !== 2) throw wrong(`${JSON.stringify(text)} is not FROM..TO`);
    const [from, to] = sides.map((side, i) => {
      const micros = microsOfDateOrTime(side);
      if (micros !== undefined) return micros;
      const place = i === 0 ? "FROM" : "TO";
      throw wrong(`${place}, ${JSON.stringify(side)}, is neither a date nor a time with its zone`);
    }) as [bigint, bigint];
    if (from >= to) throw wrong(`${text} does not end after it begins`);
    return { from, to };
  };
}
