/** Whether a page that we have written is well-formed. */

/** Every tag that is opened is closed, in order; nothing else looks like one, and every reference is known. */
export function problemsOf(page: string): string[] {
  const problems: string[] = [];
  const open: string[] = [];
  const body = page.replace("<!doctype html>", "").replace(/<style>[^<]*<\/style>/, "");
  for (const [tag, slash, name, attributes = ""] of body.matchAll(/<(\/?)([a-zA-Z][\w-]*)([^<>]*)>/g)) {
    if (slash === "/" && open.pop() !== name) problems.push(`${tag} closes nothing`);
    if (slash === "" && !attributes.endsWith("/")) open.push(name as string);
    const rest = attributes.replace(/\s[\w:-]+="[^"]*"/g, "").replace(/\/$/, "");
    if (rest.trim() !== "") problems.push(`${tag} has ${rest}`);
  }
  const texts = body.replace(/<\/?[a-zA-Z][\w-]*[^<>]*>/g, "");
  if (/[<>]/.test(texts)) problems.push("a bare bracket");
  if (/&(?!(amp|lt|gt|quot|#39);)/.test(body)) problems.push("a bare ampersand");
  return [...problems, ...open];
}
