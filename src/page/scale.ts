/** From values to places on an axis, and the ticks that are written at it. */

export interface Scale {
  at(value: number): number;
  ticks: number[];
}

/** Whole decades around the values, with 2 and 5 between them where there are few. */
export function logScale(values: number[], from: number, to: number): Scale {
  const positive = values.filter((value) => value > 0);
  const least = positive.length > 0 ? Math.min(...positive) : 1;
  const most = positive.length > 0 ? Math.max(...positive) : 10;
  const low = Math.floor(Math.log10(least) + 1e-9);
  const high = Math.max(Math.ceil(Math.log10(most) - 1e-9), low + 1);
  const decades = high - low;
  const steps = decades <= 2 ? [1, 2, 5] : [1];
  const ticks = Array.from({ length: decades + 1 }, (_, i) => 10 ** (low + i)).flatMap((decade) =>
    steps.map((step) => step * decade),
  );
  return {
    at: (value) => from + ((Math.log10(Math.max(value, 10 ** low)) - low) / decades) * (to - from),
    ticks: ticks.filter((tick) => tick <= 10 ** high * 1.0001),
  };
}
