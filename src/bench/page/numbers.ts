/** Numbers as a person reads them. */

const whole = new Intl.NumberFormat("en-US", { maximumFractionDigits: 0 });

export function count(value: number): string {
  return whole.format(value);
}

/** Short, for axes: 10 k, 2.5 M. */
export function short(value: number): string {
  for (const [size, unit] of [
    [1e9, "G"],
    [1e6, "M"],
    [1e3, "k"],
  ] as const) {
    if (value >= size) return `${significant(value / size)} ${unit}`;
  }
  return significant(value);
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
  for (const [size, unit] of [
    [1e9, "GB"],
    [1e6, "MB"],
    [1e3, "kB"],
  ] as const) {
    if (value >= size) return `${significant(value / size)} ${unit}`;
  }
  return `${significant(value)} B`;
}

export function ratio(value: number): string {
  return `${value >= 10 ? value.toFixed(1) : value.toFixed(2)} ×`;
}
