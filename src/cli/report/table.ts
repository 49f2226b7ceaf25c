/** Columns side by side; widths count what is seen and not the colour codes. */
import { stripVTControlCharacters } from "node:util";

export function formatTable(titles: string[], written: string[][]): string {
  const [headings = [], ...rows] = [titles, ...written].map((cells) => cells.map(onOneLine));
  const widths = headings.map((heading, i) =>
    Math.max(heading.length, ...rows.map((row) => width(row[i] ?? ""))),
  );
  const line = (cells: string[]) =>
    cells
      .map((cell, i) => cell + " ".repeat(Math.max(0, (widths[i] ?? 0) - width(cell))))
      .join("  ")
      .trimEnd();
  return [line(headings), ...rows.map(line)].join("\n");
}

function width(cell: string): number {
  return stripVTControlCharacters(cell).length;
}

const ESCAPE = "\u001b";
/** A cell as a whole, as chalk paints it. */
const PAINTED = new RegExp(
  `^(${ESCAPE}\\[(?:3[0-7]|9[0-7])m(?=.*${ESCAPE}\\[39m$)|${ESCAPE}\\[[12]m(?=.*${ESCAPE}\\[22m$))(.*)(${ESCAPE}\\[(?:39|22)m)$`,
  "s",
);
const SHORT: Record<string, string> = { "\t": "\\t", "\n": "\\n", "\r": "\\r" };

/** Values come from others' databases: nothing in them breaks the line, or tells the terminal what to do. */
function onOneLine(cell: string): string {
  const [, begin = "", text = cell, end = ""] = PAINTED.exec(cell) ?? [];
  const escaped = text.replace(
    /[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]/gu,
    (one) => SHORT[one] ?? `\\u${one.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
  return begin + escaped + end;
}
