/** What wholes are made of: one bar each, cut into shares. */
import { legend } from "./legend.ts";
import { type Markup, markup } from "./markup.ts";

export interface Stack {
  label: string;
  /** By name; the same names in all of them. */
  parts: Record<string, number>;
}

const [WIDTH, ROW] = [360, 44];
const COLOURS = ["c-exact", "c-append", "c-plain", "c-parse", "c-realtime", "c-decode"];

/** Each bar is as wide as the others; a part's colour goes by its place among the names. */
export function stacked(title: string, stacks: Stack[]): Markup {
  const names = [...new Set(stacks.flatMap(({ parts }) => Object.keys(parts)))];
  const colourOf = (name: string) => COLOURS[names.indexOf(name) % COLOURS.length] as string;
  return markup`<svg viewBox="0 0 ${WIDTH} ${stacks.length * ROW}" role="img" aria-label="${title}">${stacks.map(
    ({ label, parts }, i) => {
      const total = Object.values(parts).reduce((sum, one) => sum + one, 0);
      let x = 0;
      return markup`
<text x="0" y="${i * ROW + 13}" class="small">${label}</text>${names.map((name) => {
        const width = total === 0 ? 0 : ((parts[name] ?? 0) / total) * WIDTH;
        const left = x;
        x += width;
        return markup`<rect x="${round(left)}" y="${i * ROW + 19}" width="${round(width)}" height="18" class="fill part ${colourOf(name)}"/>`;
      })}`;
    },
  )}
</svg>${legend(names.map((name) => ({ name, colour: colourOf(name) })))}`;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
