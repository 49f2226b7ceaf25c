/** Tables: the numbers below a chart, and words. */
import { type Markup, markup } from "./markup.ts";

/** The first column is words, the others numbers. */
export function table(headings: string[], rows: string[][]): Markup {
  return markup`<div class="scroll"><table><thead><tr>${headings.map(
    (heading) => markup`<th scope="col">${heading}</th>`,
  )}</tr></thead><tbody>
${rows.map(
  ([first = "", ...cells]) =>
    markup`<tr><th scope="row">${first}</th>${cells.map((cell) => markup`<td>${cell}</td>`)}</tr>
`,
)}</tbody></table></div>`;
}

/** Of words, which break into lines; it scrolls in its own box, which `label` names, where the screen is narrow. */
export function wordTable(label: string, headings: string[], rows: (string | Markup)[][]): Markup {
  return markup`<div class="scroll" role="region" aria-label="${label}" tabindex="0"><table class="words"><thead><tr>${headings.map(
    (heading) => markup`<th scope="col">${heading}</th>`,
  )}</tr></thead><tbody>
${rows.map(
  ([first = "", ...cells]) =>
    markup`<tr><th scope="row">${breakable(first)}</th>${cells.map((cell) => markup`<td>${breakable(cell)}</td>`)}</tr>
`,
)}</tbody></table></div>`;
}

/** Long names may break after an underscore; else they would break anywhere, or not at all. */
function breakable(cell: string | Markup): Markup {
  if (typeof cell !== "string") return cell;
  const [first = "", ...others] = cell.split(/(?<=_)(?=\w)/);
  return markup`${first}${others.map((part) => markup`<wbr/>${part}`)}`;
}
