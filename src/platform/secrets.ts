/** Texts that nobody else may see. */

/** The text with every secret replaced, in whatever form it stands there; the longest first, since one may be part of another. */
export function withoutSecrets(text: string, secrets: readonly string[]): string {
  return [...new Set(secrets.flatMap(formsOf))]
    .filter((form) => form !== "")
    .sort((a, b) => b.length - a.length)
    .reduce((clean, form) => clean.replaceAll(form, "***"), text);
}

/** As it is, in a URL, and in the configuration of Java's login; each of them also within JSON. */
function formsOf(secret: string): string[] {
  const forms = [secret, encodeURIComponent(secret), secret.replace(/["\\]/g, "\\$&")];
  return [...forms, ...forms.map((form) => JSON.stringify(form).slice(1, -1))];
}
