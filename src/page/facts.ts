/** Names and what they are, as a table of two columns. */
import { type Markup, markup } from "./markup.ts";

export function facts(all: Record<string, string>): Markup {
  return markup`<table class="facts"><tbody>${Object.entries(all).map(
    ([name, value]) => markup`<tr><th scope="row">${name}</th><td>${value}</td></tr>
`,
  )}</tbody></table>`;
}
