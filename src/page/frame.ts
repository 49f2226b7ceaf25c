/** The frame of a page that stands alone: nothing in it comes from elsewhere, no script, no font, no picture. */
import { type Markup, markup } from "./markup.ts";

export interface Page {
  title: string;
  /** CSS; it is taken as it is. */
  style: string;
  body: Markup;
}

/** A whole HTML document, in English, as wide as the screen that it is read on. */
export function htmlPage({ title, style, body }: Page): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8" />
<meta name="viewport" content="width=device-width, initial-scale=1" />
${markup`<title>${title}</title>`.text}
<style>${style}</style>
</head>
<body>
${body.text}
</body>
</html>
`;
}
