/** The numbers below a chart. */
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
