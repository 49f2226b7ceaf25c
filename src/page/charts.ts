/** Charts as inline SVG, so narrow that their text can be read on a phone. Colours come from the page's style. */
import { type Markup, markup } from "./markup.ts";
import { logScale } from "./scale.ts";

const WIDTH = 480;

export interface Bar {
  label: string;
  /** Decides the bar's length. */
  value: number;
  /** Written at its end. */
  shown: string;
  /** Class of its colour. */
  colour: string;
}

/** Each bar below its words; lengths are to scale from zero. */
export function barChart(title: string, bars: Bar[]): Markup {
  const rowHeight = 46;
  const most = Math.max(...bars.map(({ value }) => value), Number.MIN_VALUE);
  const height = bars.length * rowHeight + 4;
  return markup`<svg viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label="${title}">${bars.map(
    ({ label, value, shown, colour }, i) => {
      const top = i * rowHeight;
      const length = Math.max(2, (value / most) * WIDTH);
      return markup`
<text x="0" y="${top + 16}">${label}</text><text x="${WIDTH}" y="${top + 16}" text-anchor="end" class="value">${shown}</text>
<rect x="0" y="${top + 23}" width="${WIDTH}" height="14" rx="3" class="track"/><rect x="0" y="${top + 23}" width="${round(length)}" height="14" rx="3" class="fill ${colour}"/>`;
    },
  )}
</svg>`;
}

export interface Series {
  name: string;
  colour: string;
  /** How its line is drawn, beside its colour. */
  dashed?: boolean;
  points: { x: number; y: number; shown: string }[];
}

export interface LineChart {
  title: string;
  xTitle: string;
  yTitle: string;
  xTick(value: number): string;
  yTick(value: number): string;
  series: Series[];
  /** A line across, with its words in the legend. */
  limit?: { y: number; label: string };
}

/** Both axes logarithmic. */
export function lineChart(chart: LineChart): Markup {
  const [height, left, right, top, bottom] = [310, 62, 14, 26, 46];
  const points = chart.series.flatMap((series) => series.points);
  const x = logScale(
    points.map((point) => point.x),
    left,
    WIDTH - right,
  );
  const y = logScale(
    [...points.map((point) => point.y), ...(chart.limit === undefined ? [] : [chart.limit.y])],
    height - bottom,
    top,
  );
  const xTicks = thinned(x.ticks, 6);
  return markup`<svg viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label="${chart.title}">
<text x="0" y="13" class="axis">${chart.yTitle}</text>
${y.ticks.map(
  (tick) =>
    markup`<line x1="${left}" x2="${WIDTH - right}" y1="${round(y.at(tick))}" y2="${round(y.at(tick))}" class="grid"/><text x="${left - 8}" y="${round(y.at(tick) + 4)}" text-anchor="end" class="axis">${chart.yTick(tick)}</text>
`,
)}${xTicks.map(
  (tick) =>
    markup`<line x1="${round(x.at(tick))}" x2="${round(x.at(tick))}" y1="${height - bottom}" y2="${height - bottom + 5}" class="tick"/><text x="${round(x.at(tick))}" y="${height - bottom + 20}" text-anchor="middle" class="axis">${chart.xTick(tick)}</text>
`,
)}<line x1="${left}" x2="${WIDTH - right}" y1="${height - bottom}" y2="${height - bottom}" class="tick"/>
<text x="${WIDTH - right}" y="${height - 6}" text-anchor="end" class="axis">${chart.xTitle}</text>
${chart.limit && markup`<line x1="${left}" x2="${WIDTH - right}" y1="${round(y.at(chart.limit.y))}" y2="${round(y.at(chart.limit.y))}" class="limit"/>`}
${chart.series.map(
  (series) => markup`<g class="${series.colour}">${
    series.points.length > 1 &&
    markup`<polyline class="${series.dashed ? "line dashed" : "line"}" points="${series.points.map((point) => `${round(x.at(point.x))},${round(y.at(point.y))}`).join(" ")}"/>`
  }${series.points.map(
    (point) =>
      markup`<circle cx="${round(x.at(point.x))}" cy="${round(y.at(point.y))}" r="4" class="${series.dashed ? "dot hollow" : "dot"}"><title>${series.name}: ${point.shown}</title></circle>`,
  )}</g>
`,
)}</svg>
<ul class="legend">${chart.series.map(
    ({ name, colour, dashed }) =>
      markup`<li class="${colour}"><svg viewBox="0 0 26 10" aria-hidden="true"><line x1="1" x2="25" y1="5" y2="5" class="${dashed ? "line dashed" : "line"}"/></svg>${name}</li>`,
  )}${
    chart.limit &&
    markup`<li><svg viewBox="0 0 26 10" aria-hidden="true"><line x1="1" x2="25" y1="5" y2="5" class="limit"/></svg>${chart.limit.label}</li>`
  }</ul>`;
}

export interface Range {
  label: string;
  low: number;
  middle: number;
  high: number;
  shown: string;
}

/** Each from its low to its high, with a dot in between, on one logarithmic axis. */
export function rangeChart(title: string, tick: (value: number) => string, ranges: Range[]): Markup {
  const [rowHeight, top] = [46, 4];
  const bottom = top + ranges.length * rowHeight;
  const scale = logScale(
    ranges.flatMap(({ low, high }) => [low, high]),
    8,
    WIDTH - 8,
  );
  return markup`<svg viewBox="0 0 ${WIDTH} ${bottom + 24}" role="img" aria-label="${title}">
${thinned(scale.ticks, 6).map(
  (value) =>
    markup`<line x1="${round(scale.at(value))}" x2="${round(scale.at(value))}" y1="${top}" y2="${bottom}" class="grid"/><text x="${round(scale.at(value))}" y="${bottom + 18}" text-anchor="${anchor(scale.at(value))}" class="axis">${tick(value)}</text>
`,
)}${ranges.map(({ label, low, middle, high, shown }, i) => {
  const y = top + i * rowHeight + 30;
  return markup`<text x="0" y="${y - 14}" class="on-grid">${label}</text><text x="${WIDTH}" y="${y - 14}" text-anchor="end" class="value on-grid">${shown}</text>
<g class="c-exact"><line x1="${round(scale.at(low))}" x2="${round(scale.at(high))}" y1="${y}" y2="${y}" class="line"/><circle cx="${round(scale.at(low))}" cy="${y}" r="4" class="dot"/><circle cx="${round(scale.at(middle))}" cy="${y}" r="4" class="dot hollow"/><circle cx="${round(scale.at(high))}" cy="${y}" r="4" class="dot hollow"/></g>
`;
})}</svg>`;
}

/** At most so many, the first and the last among them if that goes. */
function thinned(ticks: number[], most: number): number[] {
  const every = Math.ceil(ticks.length / most);
  return ticks.filter((_, i) => i % every === 0);
}

function anchor(x: number): string {
  return x < 30 ? "start" : x > WIDTH - 30 ? "end" : "middle";
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
