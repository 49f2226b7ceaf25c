/** Feature by feature what it is made of, as a diagram: columns at the left, what derives from what further right. */
import { type Markup, markup } from "../../page/markup.ts";
import type { Lineage } from "../document.ts";
import { head } from "./flow.ts";

const [BOX, ROW, TALL, BETWEEN] = [196, 30, 23, 56];
const CHARACTERS = 24;

interface Node {
  name: string;
  layer: number;
  row: number;
  isColumn: boolean;
}

/** It is as wide as its layers ask for, and scrolls in its own box. */
export function dependencies({ columns, features }: Lineage): Markup {
  const layers = new Map<string, number>();
  for (const { name, features: from } of features)
    layers.set(name, 1 + Math.max(0, ...from.map((one) => layers.get(one) ?? 1)));
  const used = columns.filter((column) => features.some((feature) => feature.columns.includes(column)));
  const rows: number[] = [];
  const placed = (name: string, layer: number, isColumn: boolean): Node => {
    const row = rows[layer] ?? 0;
    rows[layer] = row + 1;
    return { name, layer, row, isColumn };
  };
  // A feature may have a column's name.
  const columnNodes = new Map(used.map((name) => [name, placed(name, 0, true)]));
  const featureNodes = new Map(
    features.map(({ name }) => [name, placed(name, layers.get(name) ?? 1, false)]),
  );
  const edges = features.flatMap((feature) => {
    const to = featureNodes.get(feature.name) as Node;
    const from = [
      ...feature.columns.map((name) => columnNodes.get(name)),
      ...feature.features.map((name) => featureNodes.get(name)),
    ];
    return from.flatMap((one) => (one === undefined ? [] : [edge(one, to)]));
  });
  const width = rows.length * (BOX + BETWEEN) - BETWEEN + 2;
  const height = Math.max(...rows.map((count) => count ?? 0)) * ROW + 2;
  const told = features.map(
    (feature) => `${feature.name} from ${[...feature.columns, ...feature.features].join(", ") || "rows"}`,
  );
  return markup`<svg viewBox="0 0 ${width} ${height}" style="width: ${width}px" role="img" aria-label="${told.join("; ")}">
${edges}${[...columnNodes.values(), ...featureNodes.values()].map(nodeMarkup)}</svg>`;
}

function left({ layer }: Node): number {
  return layer * (BOX + BETWEEN) + 1;
}

function middle({ row }: Node): number {
  return row * ROW + ROW / 2 + 1;
}

function edge(from: Node, to: Node): Markup {
  const [x1, y1, x2, y2] = [left(from) + BOX, middle(from), left(to), middle(to)];
  const half = (x2 - x1) / 2;
  return markup`<path d="M${x1},${y1} C${x1 + half},${y1} ${x2 - half},${y2} ${x2 - 6},${y2}" class="edge"/>${head(x2, y2, "right")}
`;
}

function nodeMarkup(node: Node): Markup {
  const characters = [...node.name];
  const shown =
    characters.length <= CHARACTERS ? node.name : `${characters.slice(0, CHARACTERS - 1).join("")}…`;
  return markup`<rect x="${left(node)}" y="${middle(node) - TALL / 2}" width="${BOX}" height="${TALL}" rx="${node.isColumn ? 3 : 11}" class="box"/><text x="${left(node) + 10}" y="${middle(node) + 4}" class="small"><title>${node.name}</title>${shown}</text>
`;
}
