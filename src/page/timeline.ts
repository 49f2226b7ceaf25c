/** Values one after the other, as inline SVG: the latest batches, for one. */
import { type Markup, markup } from "./markup.ts";
import { logScale } from "./scale.ts";

export interface Timeline {
  /** Says what is to be seen, for those who do not see it. */
  title: string;
  /** Of the first and the last place. */
  from: string;
  to: string;
  /** Null where there is no value; then the line has a gap. */
  series: { name: string; colour: string; dashed?: boolean; values: (number | null)[] }[];
  yTick(value: number): string;
}

const [WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM] = [360, 190, 56, 8, 10, 28];
/** With more of them dots would cover the line. */
const MOST_DOTS = 40;

/** Places are evenly spaced, whenever they were; the other axis is logarithmic. */
export function timeline({ title, from, to, series, yTick }: Timeline): Markup {
  const places = Math.max(...series.map(({ values }) => values.length));
  const known = series.flatMap(({ values }) => values.filter((value) => value !== null));
  const y = logScale(known, HEIGHT - BOTTOM, TOP);
  const ticks = y.ticks.filter((_, i) => i % Math.ceil(y.ticks.length / 6) === 0);
  const at = (i: number) =>
    places === 1 ? LEFT + 4 : LEFT + 4 + (i / (places - 1)) * (WIDTH - LEFT - RIGHT - 4);
  const chart = markup`<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${title}">
${ticks.map(
  (tick) =>
    markup`<line x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${round(y.at(tick))}" y2="${round(y.at(tick))}" class="grid"/><text x="${LEFT - 6}" y="${round(y.at(tick) + 4)}" text-anchor="end" class="small">${yTick(tick)}</text>
`,
)}<text x="${LEFT}" y="${HEIGHT - 8}" class="small">${from}</text><text x="${WIDTH - RIGHT}" y="${HEIGHT - 8}" text-anchor="end" class="small">${to}</text>
${series.map(({ colour, dashed, values }) => {
  const points = values.map((value, i) =>
    value === null ? undefined : { x: round(at(i)), y: round(y.at(value)) },
  );
  return markup`<g class="${colour}">${stretches(points).map(
    (stretch) =>
      markup`<polyline class="${dashed ? "line dashed" : "line"}" points="${stretch.map((point) => `${point.x},${point.y}`).join(" ")}"/>`,
  )}${points.map(
    (point, i) =>
      point !== undefined &&
      (places <= MOST_DOTS || isAlone(points, i)) &&
      markup`<circle cx="${point.x}" cy="${point.y}" r="2.5" class="dot"/>`,
  )}</g>
`;
})}</svg>`;
  return markup`${chart}<ul class="legend">${series.map(
    ({ name, colour, dashed }) =>
      markup`<li class="${colour}"><svg viewBox="0 0 26 10" aria-hidden="true"><line x1="1" x2="25" y1="5" y2="5" class="${dashed ? "line dashed" : "line"}"/></svg>${name}</li>`,
  )}</ul>`;
}

type Point = { x: number; y: number };

/** Neighbours without a gap between them. */
function stretches(points: (Point | undefined)[]): Point[][] {
  const found: Point[][] = [[]];
  for (const point of points) {
    if (point === undefined) found.push([]);
    else found.at(-1)?.push(point);
  }
  return found.filter((stretch) => stretch.length > 1);
}

function isAlone(points: (Point | undefined)[], i: number): boolean {
  return points[i - 1] === undefined && points[i + 1] === undefined;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
