/** Bars beside their words, as inline SVG that can be read on a phone: histograms, and distributions side by side. */
import { legend } from "./legend.ts";
import { type Markup, markup } from "./markup.ts";

export interface BarSeries {
  name: string;
  /** Class of its colour. */
  colour: string;
}

export interface BarRow {
  label: string;
  /** One for each series: `value` decides the length, `shown` is written at its end. */
  bars: { value: number; shown: string }[];
}

export interface Bars {
  /** Says what is to be seen, for those who do not see it. */
  title: string;
  series: BarSeries[];
  rows: BarRow[];
}

const [WIDTH, LABELS, VALUES] = [360, 124, 58];
const [THICK, GAP] = [14, 7];
/** So many characters go before the bars. */
const LABEL_CHARACTERS = 16;

/** Lengths are to scale from zero. With several series their names are in a legend. */
export function bars({ title, series, rows }: Bars): Markup {
  const most = Math.max(...rows.flatMap((row) => row.bars.map(({ value }) => value)), Number.MIN_VALUE);
  const rowHeight = series.length * THICK + GAP;
  const room = WIDTH - LABELS - VALUES;
  const chart = markup`<svg viewBox="0 0 ${WIDTH} ${rows.length * rowHeight}" role="img" aria-label="${title}">${rows.map(
    (row, i) => markup`
<text x="${LABELS - 8}" y="${i * rowHeight + rowHeight / 2 + 4}" text-anchor="end" class="small"><title>${row.label}</title>${cut(row.label)}</text>${row.bars.map(
      ({ value, shown }, j) => {
        const top = i * rowHeight + GAP / 2 + j * THICK;
        const length = value === 0 ? 0 : Math.max(1, Math.round((value / most) * room * 10) / 10);
        return markup`<rect x="${LABELS}" y="${top}" width="${length}" height="${THICK - 1}" class="fill ${series[j]?.colour ?? ""}"/><text x="${LABELS + length + 5}" y="${top + 11}" class="small">${shown}</text>`;
      },
    )}`,
  )}
</svg>`;
  return series.length > 1 ? markup`${chart}${legend(series)}` : chart;
}

function cut(label: string): string {
  const characters = [...label];
  return characters.length <= LABEL_CHARACTERS
    ? label
    : `${characters.slice(0, LABEL_CHARACTERS - 1).join("")}…`;
}
