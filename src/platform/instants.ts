/** Instants as bigint microseconds since 1970 UTC: the precision of Postgres, Spark and Parquet. */

export const DAY_MICROS = 86_400_000_000n;

export const FIRST = -62_135_596_800_000_000n; // 0001-01-01
export const LAST = 253_402_300_799_999_999n; // the end of 9999

const ISO =
  /^(\d{4}-\d\d-\d\d)[T ]([01]\d|2[0-3]):([0-5]\d)(?::([0-5]\d)(?:\.(\d{1,9}))?)?(Z|[+-]\d\d(?::?\d\d)?)$/;

/** Within the years that every store and language can write, 0001 to 9999. */
export function isInstant(micros: bigint): boolean {
  return micros >= FIRST && micros <= LAST;
}

/** Reads ISO 8601 text with a zone or `Z`; undefined for anything else. Nanoseconds are cut off. */
export function microsOfIso(text: string): bigint | undefined {
  return plainMicros(text) ?? microsByPattern(text);
}

/** Of `2026-03-01T09:30:00.123456Z`, as Debezium and the stores write nearly every time; without a pattern it is faster by far. */
function plainMicros(text: string): bigint | undefined {
  const last = text.length - 1;
  const digits = Math.max(0, last - 20);
  if (text[10] !== "T" || text[13] !== ":" || text[16] !== ":" || text[last] !== "Z") return undefined;
  if (last < 19 || digits > 6 || (last > 19 && (digits === 0 || text[19] !== "."))) return undefined;
  const [hour, minute, second] = [numberAt(text, 11, 2), numberAt(text, 14, 2), numberAt(text, 17, 2)];
  const day = startOfDay(text.slice(0, 10));
  // What is no number is not less than another.
  if (day === undefined || !(hour < 24 && minute < 60 && second < 60)) return undefined;
  const ms = day + (hour * 3600 + minute * 60 + second) * 1000;
  const micros = ms * 1000 + numberAt(text, 20, digits) * 10 ** (6 - digits);
  return Number.isSafeInteger(micros) ? inCalendar(BigInt(micros)) : undefined;
}

function numberAt(text: string, from: number, count: number): number {
  let number = 0;
  for (let i = from; i < from + count; i += 1) {
    const digit = text.charCodeAt(i) - 48;
    if (!(digit >= 0 && digit <= 9)) return Number.NaN;
    number = number * 10 + digit;
  }
  return number;
}

function inCalendar(micros: bigint): bigint | undefined {
  return isInstant(micros) ? micros : undefined;
}

function microsByPattern(text: string): bigint | undefined {
  const match = ISO.exec(text);
  if (match === null) return undefined;
  const [, date = "", hour, minute, second = "00", fraction = "", zone = "Z"] = match;
  const day = startOfDay(date);
  if (day === undefined) return undefined;
  const ms = day + (Number(hour) * 3600 + Number(minute) * 60 + Number(second)) * 1000 - zoneMs(zone);
  return inCalendar(BigInt(ms) * 1000n + BigInt(fraction.padEnd(6, "0").slice(0, 6)));
}

const daysSeen = new Map<string, number | undefined>();

/** Events name few days many times, and this is most of the work of reading a time. */
function startOfDay(date: string): number | undefined {
  if (daysSeen.has(date)) return daysSeen.get(date);
  const ms = Date.parse(`${date}T00:00:00Z`);
  // Date.parse takes 30 February for 2 March.
  const day = !Number.isNaN(ms) && new Date(ms).toISOString().startsWith(date) ? ms : undefined;
  if (daysSeen.size > 10_000) daysSeen.clear();
  daysSeen.set(date, day);
  return day;
}

function zoneMs(zone: string): number {
  if (zone === "Z") return 0;
  const minutes = Number(zone.slice(1, 3)) * 60 + Number(zone.slice(3).replace(":", "") || 0);
  return (zone.startsWith("-") ? -minutes : minutes) * 60_000;
}

/** ISO 8601, UTC, with `Z`; a fraction only where there is one, then with six digits. */
export function isoOfMicros(micros: bigint): string {
  const seconds = floorDivide(micros, 1_000_000n);
  const fraction = Number(micros - seconds * 1_000_000n);
  const day = Math.floor(Number(seconds) / 86_400);
  const second = Number(seconds) - day * 86_400;
  const time = `${two(second / 3600)}:${two((second / 60) % 60)}:${two(second % 60)}`;
  return `${dateOf(day)}T${time}${fraction === 0 ? "" : `.${String(fraction).padStart(6, "0")}`}Z`;
}

function two(number: number): string {
  return number < 10 ? `0${Math.floor(number)}` : String(Math.floor(number));
}

const datesSeen = new Map<number, string>();

/** As `startOfDay`, the other way round. */
function dateOf(day: number): string {
  let date = datesSeen.get(day);
  if (date === undefined) {
    date = new Date(day * 86_400_000).toISOString().slice(0, -14);
    if (datesSeen.size > 10_000) datesSeen.clear();
    datesSeen.set(day, date);
  }
  return date;
}

/** `2026-03-01` of a number of days since 1970. */
export function isoDate(days: bigint): string {
  return isoOfMicros(days * DAY_MICROS).slice(0, 10);
}

/** The days since 1970 of `2026-03-01`; undefined for anything else. */
export function daysOfIso(text: string): bigint | undefined {
  const micros = microsOfIso(`${text}T00:00:00Z`);
  return micros === undefined ? undefined : micros / DAY_MICROS;
}

/** Number of the UTC day since 1970. */
export function utcDay(micros: bigint): number {
  return Number(floorDivide(micros, DAY_MICROS));
}

/** Rounds towards minus infinity, unlike bigint's own division. */
export function floorDivide(a: bigint, b: bigint): bigint {
  const quotient = a / b;
  return a % b !== 0n && a < 0n !== b < 0n ? quotient - 1n : quotient;
}

/** The millisecond that an instant lies in. */
export function msOfMicros(micros: bigint): number {
  const number = Number(micros);
  if (!Number.isSafeInteger(number)) return Number(floorDivide(micros, 1000n));
  const within = number % 1000;
  return (number - (within < 0 ? within + 1000 : within)) / 1000;
}

/** Of a date, its start in UTC, or of a time with its zone, as people write options; undefined for anything else. */
export function microsOfDateOrTime(text: string): bigint | undefined {
  return microsOfIso(text) ?? microsOfIso(`${text}T00:00:00Z`);
}
