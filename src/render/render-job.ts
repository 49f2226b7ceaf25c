/** A checked feature set as the source of a PySpark job, through the templates. */
import Handlebars, { type HelperOptions } from "handlebars";
import type { Feature, FeatureSet } from "../definition/feature-set.ts";
import { jobView, type Provenance } from "./job-view.ts";
import { Call, type Code, inline, layOut, layOutImport, wrapWords } from "./python-layout.ts";
import { docstringText } from "./python-literal.ts";

/** By kind of computation, never by entity. */
function templateOf(featureSet: FeatureSet): string {
  return featureSet.mode === "realtime" ? "realtime_fold.py.hbs" : "windowed_fold.py.hbs";
}

/** What templates include with `{{> name}}`. */
const PARTIALS: Record<string, string> = {
  header: "parts/header.py.hbs",
  declaration: "parts/declaration.py.hbs",
  aggregated: "features/aggregated.py.hbs",
  point_in_time: "features/point_in_time.py.hbs",
  behavioural: "features/behavioural.py.hbs",
  derived: "features/derived.py.hbs",
} satisfies Record<Feature["kind"] | "header" | "declaration", string>;

/** Nothing is escaped for HTML: the helpers write Python. `strict` covers plain values only, the helpers the rest. */
const OPTIONS: CompileOptions = { strict: true, noEscape: true, preventIndent: true };

/** `readTemplate` gives the text of a file in the templates folder. */
export function renderJob(
  featureSet: FeatureSet,
  provenance: Provenance,
  readTemplate: (name: string) => string,
): string {
  const handlebars = Handlebars.create();
  handlebars.registerHelper(helpers);
  for (const [name, file] of Object.entries(PARTIALS)) {
    handlebars.registerPartial(name, handlebars.compile(readTemplate(file), OPTIONS));
  }
  const template = handlebars.compile(readTemplate(templateOf(featureSet)), OPTIONS);
  return template(jobView(featureSet, provenance));
}

const helpers = {
  /** `{{py value}}`: a literal, a list or a call, on one line. */
  py: (code: Code) => inline(code),

  /** `{{keyword "watermark" watermark at=4}}`: `name=value`, in a line indented by `at`. */
  keyword(name: string, code: Code, { hash }: HelperOptions): string {
    return `${name}=${layOut(code, hash.at, hash.at + name.length + 1)}`;
  },

  /** `{{call "Column" name type unit=unit at=12}}`: a call with these arguments, in a line indented by `at`. */
  call(name: string, ...rest: unknown[]): string {
    const { at, ...keywords } = (rest.pop() as HelperOptions).hash;
    // Handlebars hands keywords over from last to first.
    const inOrder = Object.fromEntries(Object.entries(keywords).toReversed()) as Record<string, Code>;
    return layOut(new Call(name, rest as Code[], inOrder), at);
  },

  /** `{{import "module" names}}` */
  import: (module: string, names: string[]) => layOutImport(module, names),

  /** The built-in one takes a list that is missing for an empty one. */
  each(this: unknown, list: unknown, options: HelperOptions): string {
    if (!Array.isArray(list)) throw new TypeError("{{#each}} needs a list");
    return Handlebars.helpers.each?.call(this, list, options);
  },

  /** `{{#docstring}}words {{value}}{{/docstring}}`: wrapped and safe inside triple quotes, in a line indented by `at`. */
  docstring(this: unknown, { fn, hash }: HelperOptions): string {
    return wrapWords(docstringText(fn(this).replace(/\s+/g, " ")), hash.at, hash.at + 3, 3);
  },
};
