/** Numbers as a person reads them. */

const whole = new Intl.NumberFormat("en-US", { maximumFractionDigits: 0 });

export function count(value: number): string {
  return whole.format(value);
}

/** Short, for axes: 10 k, 2.5 M. */
export function short(value: number): string {
  return scaled(value, ["", " k", " M", " G"]);
}

/** `units` of a thousand times the one before each. */
function scaled(value: number, units: string[]): string {
  const power = units.findLastIndex((_, power) => power === 0 || value >= 1e3 ** power);
  return `${significant(value / 1e3 ** power)}${units[power]}`;
}

/** Three digits that tell something. */
export function significant(value: number): string {
  if (value === 0) return "0";
  if (Math.abs(value) >= 100) return count(value);
  return String(Number(value.toPrecision(3)));
}

export function seconds(value: number): string {
  return `${significant(value)} s`;
}

export function milliseconds(value: number): string {
  return value >= 1_000 ? seconds(value / 1_000) : `${significant(value)} ms`;
}

export function bytes(value: number): string {
  return scaled(value, [" B", " kB", " MB", " GB"]);
}

export function ratio(value: number): string {
  return `${value >= 10 ? value.toFixed(1) : value.toFixed(2)} ×`;
}

/** A length of time, given in seconds, in the largest unit of which there are some. */
export function duration(value: number): string {
  if (value < 1) return milliseconds(value * 1_000);
  if (value < 120) return seconds(value);
  if (value < 7_200) return `${significant(value / 60)} min`;
  return value < 172_800 ? `${significant(value / 3_600)} h` : `${significant(value / 86_400)} days`;
}

/** From 0 to 1, as a percentage of about one decimal. */
export function share(value: number): string {
  const percent = value * 100;
  return `${Number(Math.abs(percent) < 1 ? percent.toPrecision(1) : percent.toFixed(1))} %`;
}
