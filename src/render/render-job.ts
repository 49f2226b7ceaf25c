/** A checked feature set as the source of a PySpark job, through the templates. */
import Handlebars, { type HelperOptions } from "handlebars";
import type { Feature, FeatureSet } from "../definition/feature-set.ts";
import { jobView, type Provenance } from "./job-view.ts";
import { type Argument, Call, layOut, layOutImport, wrapWords } from "./python-layout.ts";
import { docstringText, pythonLiteral, type Value } from "./python-literal.ts";

/** By kind of computation, never by entity. */
const TEMPLATES: Record<FeatureSet["window"]["kind"], string> = { tumbling: "windowed_fold.py.hbs" };

const FEATURE_KINDS: Feature["kind"][] = ["aggregated", "behavioural", "derived"];

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
  for (const kind of FEATURE_KINDS) {
    handlebars.registerPartial(kind, handlebars.compile(readTemplate(`features/${kind}.py.hbs`), OPTIONS));
  }
  const template = handlebars.compile(readTemplate(TEMPLATES[featureSet.window.kind]), OPTIONS);
  return template(jobView(featureSet, provenance));
}

const helpers = {
  /** `{{py value}}`: a literal. */
  py: (value: Value) => pythonLiteral(value),

  /** `{{call "Column" name type unit=unit at=12}}`: a call with these arguments, in a line indented by `at`. */
  call(name: string, ...rest: unknown[]): string {
    const { at, ...keywords } = (rest.pop() as HelperOptions).hash;
    // Handlebars hands keywords over from last to first.
    const inOrder = Object.fromEntries(Object.entries(keywords).toReversed()) as Record<string, Argument>;
    return layOut(new Call(name, rest as Argument[], inOrder), at);
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
