/** A chart in one line of a terminal. */
const BARS = "▁▂▃▄▅▆▇█";

/** The latest values that fit, from zero to the greatest of them; empty without any. */
export function sparkline(values: number[], width: number): string {
  const shown = values.slice(-width);
  const most = Math.max(...shown, 0);
  return shown.map((value) => BARS[level(value, most)] ?? " ").join("");
}

function level(value: number, most: number): number {
  return most === 0 ? 0 : Math.min(Math.floor((value / most) * BARS.length), BARS.length - 1);
}
