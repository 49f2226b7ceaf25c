/** Feature by feature what it is made of, as a diagram: columns at the left, what derives from what further right. */
import { type Markup, markup } from "../../page/markup.ts";
import type { Lineage, LineageFeature } from "../document.ts";
import { head } from "./flow.ts";

const [BOX, ROW, TALL, BETWEEN] = [196, 30, 23, 72];
const CHARACTERS = 24;
const COLOURS = ["c-exact", "c-append", "c-plain", "c-parse", "c-realtime", "c-decode"];

interface Node {
  name: string;
  /** From the left; 0 are columns. */
  layer: number;
  /** Its middle. */
  y: number;
  /** Class of the lines that leave it. */
  colour: string;
}

/** It is as wide as its layers ask for, and scrolls in its own box. */
export function dependencies({ columns, features }: Lineage): Markup {
  const used = columns.filter((column) => features.some((feature) => feature.columns.includes(column)));
  const layers = [used, ...layersOf(features)];
  const height = Math.max(...layers.map(({ length }) => length)) * ROW + 2;
  // A feature may have a column's name.
  const [columnNodes = [], ...featureNodes] = layers.map((names, layer) => nodesOf(names, layer, height));
  const nodes = featureNodes.flat();
  const edges = features.flatMap((feature) => {
    const to = named(nodes, feature.name);
    const from = [
      ...feature.columns.map((name) => named(columnNodes, name)),
      ...feature.features.map((name) => named(nodes, name)),
    ];
    return to === undefined ? [] : from.flatMap((one) => (one === undefined ? [] : [edge(one, to)]));
  });
  const width = layers.length * (BOX + BETWEEN) - BETWEEN + 2;
  const told = features.map(
    (feature) => `${feature.name} from ${[...feature.columns, ...feature.features].join(", ")}`,
  );
  return markup`<svg viewBox="0 0 ${width} ${height}" style="width: ${width}px" role="img" aria-label="${told.join("; ")}">
${edges}${[...columnNodes, ...nodes].map(nodeMarkup)}</svg>`;
}

/** Names of features: those that read columns, then those that derive from them, and so on. */
function layersOf(features: LineageFeature[]): string[][] {
  const layers: string[][] = [];
  const known = new Map<string, number>();
  for (const { name, features: from } of features) {
    const layer = Math.max(-1, ...from.map((one) => known.get(one) ?? 0)) + 1;
    known.set(name, layer);
    layers[layer] = [...(layers[layer] ?? []), name];
  }
  return layers;
}

/** Spread over the height, so that lines are short. */
function nodesOf(names: string[], layer: number, height: number): Node[] {
  return names.map((name, i) => ({
    name,
    layer,
    y: Math.round(((i + 0.5) / names.length) * height),
    colour: COLOURS[i % COLOURS.length] as string,
  }));
}

function named(nodes: Node[], wanted: string): Node | undefined {
  return nodes.find(({ name }) => name === wanted);
}

function left({ layer }: Node): number {
  return layer * (BOX + BETWEEN) + 1;
}

function edge(from: Node, to: Node): Markup {
  const [x1, x2] = [left(from) + BOX, left(to)];
  const half = (x2 - x1) / 2;
  return markup`<path d="M${x1},${from.y} C${x1 + half},${from.y} ${x2 - half},${to.y} ${x2 - 6},${to.y}" class="line thin ${from.colour}"/>${head(x2, to.y, "right")}
`;
}

function nodeMarkup(node: Node): Markup {
  const characters = [...node.name];
  const shown =
    characters.length <= CHARACTERS ? node.name : `${characters.slice(0, CHARACTERS - 1).join("")}…`;
  return markup`<rect x="${left(node)}" y="${node.y - TALL / 2}" width="${BOX}" height="${TALL}" rx="${node.layer === 0 ? 3 : 11}" class="box"/><text x="${left(node) + 10}" y="${node.y + 4.5}" class="small"><title>${node.name}</title>${shown}</text>
`;
}
