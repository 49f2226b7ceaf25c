/** The way of the data as a diagram: boxes from the table to the two stores, so narrow that it can be read on a phone. */
import { type Markup, markup } from "../../page/markup.ts";
import type { Lineage } from "../document.ts";

const [WIDTH, LINE, PADDING, GAP] = [360, 17, 10, 26];
const CHARACTERS = 34;

interface Box {
  title: string;
  lines: string[];
}

interface Placed extends Box {
  x: number;
  y: number;
  height: number;
}

export function flow(name: string, lineage: Lineage): Markup {
  const { table, topic, job, features, redisKey, parquetFolder } = lineage;
  const chain: Box[] = [
    { title: "Table", lines: [table] },
    { title: "Topic", lines: [topic] },
    { title: "Spark job", lines: [job] },
    { title: "Features", lines: [`${features.length} of ${name}`] },
  ];
  const stores: Box[] = [
    { title: "Redis (online)", lines: [redisKey] },
    { title: "Parquet (offline)", lines: [parquetFolder] },
  ];
  const placed = placedBelow(chain, 0, 0);
  const last = placed.at(-1) as Placed;
  const inset = 34;
  const ends = placedBelow(stores, inset, last.y + last.height + GAP, 12);
  const end = ends.at(-1) as Placed;
  const height = end.y + end.height + 2;
  const title = `${table} is captured to the topic ${topic}, which ${job} reads; its ${features.length} features go to Redis at ${redisKey} and to Parquet in ${parquetFolder}`;
  return markup`<svg viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label="${title}">
${[...placed, ...ends].map(boxMarkup)}${placed.slice(1).map((box) => arrow(WIDTH / 2, box.y - GAP, WIDTH / 2, box.y))}${ends.map(
  ({ y, height: tall }) => {
    const middle = y + tall / 2;
    return markup`<polyline points="14,${last.y + last.height} 14,${middle} ${inset - 6},${middle}" class="edge"/>${head(inset, middle, "right")}`;
  },
)}</svg>`;
}

function placedBelow(all: Box[], x: number, top: number, gap = GAP): Placed[] {
  let y = top + 1;
  return all.map(({ title, lines }) => {
    const wrappedLines = lines.flatMap((line) => wrapped(line, CHARACTERS - Math.floor(x / 9)));
    const box = {
      title,
      lines: wrappedLines,
      x,
      y,
      height: PADDING * 2 + LINE * (1 + wrappedLines.length) - 4,
    };
    y += box.height + gap;
    return box;
  });
}

function boxMarkup({ title, lines, x, y, height }: Placed): Markup {
  return markup`<rect x="${x + 1}" y="${y}" width="${WIDTH - x - 2}" height="${height}" rx="6" class="box"/><text x="${x + 12}" y="${y + PADDING + 11}" class="small soft">${title}</text>${lines.map(
    (line, i) =>
      markup`<text x="${x + 12}" y="${y + PADDING + 11 + LINE * (i + 1)}" class="small value">${line}</text>`,
  )}
`;
}

function arrow(x1: number, y1: number, x2: number, y2: number): Markup {
  return markup`<line x1="${x1}" y1="${y1}" x2="${x2}" y2="${y2 - 6}" class="edge"/>${head(x2, y2, "down")}
`;
}

/** With its tip at a place. */
export function head(x: number, y: number, to: "right" | "down"): Markup {
  const points =
    to === "down"
      ? `${x - 5},${y - 8} ${x + 5},${y - 8} ${x},${y}`
      : `${x - 8},${y - 5} ${x - 8},${y + 5} ${x},${y}`;
  return markup`<polygon points="${points}" class="head"/>`;
}

/** Names have no spaces to break at; the lines are about as long as each other. */
function wrapped(text: string, most: number): string[] {
  const characters = [...text];
  const lines = Math.max(Math.ceil(characters.length / most), 1);
  const each = Math.ceil(characters.length / lines);
  return Array.from({ length: lines }, (_, i) => characters.slice(i * each, (i + 1) * each).join(""));
}
