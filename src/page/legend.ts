/** Which colour is what. */
import { type Markup, markup } from "./markup.ts";

export function legend(all: { name: string; colour: string }[]): Markup {
  return markup`<ul class="legend">${all.map(
    ({ name, colour }) =>
      markup`<li class="${colour}"><svg viewBox="0 0 26 12" aria-hidden="true"><rect width="26" height="12" class="fill"/></svg>${name}</li>`,
  )}</ul>`;
}
