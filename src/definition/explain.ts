/** What zod found wrong with the form of a definition, in words for its author. */
import { z } from "zod";
import type { Finding, Path } from "./diagnostics.ts";
import { isCutAtComma } from "./expression/cut.ts";
import { nearest } from "./nearest.ts";
import { explanations } from "./written.ts";

type Issue = z.core.$ZodIssue;
type Schema = z.core.$ZodType;

export interface FormFinding extends Finding {
  rule: "unknown-key" | "missing-key" | "wrong-value" | "wrong-name";
}

/** `data` is the value that `schema` refused with `issues`. */
export function explainIssues(issues: Issue[], schema: Schema, data: unknown): FormFinding[] {
  return issues.flatMap((issue) => explainIssue(issue, schema, data));
}

function explainIssue(issue: Issue, root: Schema, data: unknown): FormFinding[] {
  const path = issue.path as Path;
  const value = valueAt(data, path);
  const schema = schemaAt(root, path, data);
  if (issue.code === "unrecognized_keys") {
    const keys = issue.keys.filter((key) => !isCutOff(key, value));
    return keys.map((key) => unknownKey([...path, key], schema));
  }
  if (issue.code === "invalid_key") {
    const record = schemaAt(root, path.slice(0, -1), data);
    const explain = record instanceof z.ZodRecord && explanations.get(record.keyType)?.explain;
    const name = path.at(-1);
    const wrong = explain ? explain(name) : { message: `${show(name)} cannot be a name` };
    return [{ rule: "wrong-name", path, atKey: true, ...wrong }];
  }
  if (value === undefined) {
    return [
      { rule: "missing-key", path, message: `"${path.at(-1)}" is missing`, allowed: allowedValues(issue) },
    ];
  }
  const explain = schema && explanations.get(schema)?.explain;
  if (explain) return [{ rule: "wrong-value", path, ...explain(value) }];
  if (issue.code === "invalid_union" && issue.errors.length > 0) {
    const refused = schema && z.safeParse(schema, value).error?.issues;
    return (refused ?? []).flatMap((inner) =>
      explainIssue({ ...inner, path: [...issue.path, ...inner.path] }, root, data),
    );
  }
  const allowed = allowedValues(issue);
  const suggestion = typeof value === "string" ? nearest(value, allowed) : undefined;
  return [{ rule: "wrong-value", path, message: wrongValue(issue, path, value), allowed, suggestion }];
}

/** `{ type: decimal(12,2) }` is the type `decimal(12` and a key `2)`; it is told at the type. So is an expression. */
function isCutOff(key: string, owner: unknown): boolean {
  if (!isMapping(owner) || owner[key] !== null) return false;
  const { type } = owner;
  const isRestOfType = /^[0-9]+\)$/.test(key) && typeof type === "string" && /\([0-9]+$/.test(type);
  return isRestOfType || isCutAtComma(owner);
}

function unknownKey(path: Path, schema: Schema | undefined): FormFinding {
  const key = String(path.at(-1));
  const keys = schema instanceof z.ZodObject ? Object.keys(schema.shape) : [];
  const owner = schema instanceof z.ZodObject ? schema.meta()?.title : undefined;
  return {
    rule: "unknown-key",
    path,
    atKey: true,
    message: `${owner ?? "this mapping"} has no ${show(key)}`,
    allowed: keys,
    suggestion: nearest(key, keys),
  };
}

function wrongValue(issue: Issue, path: Path, value: unknown): string {
  const what = path.length === 0 ? "a definition" : `"${path.at(-1)}"`;
  switch (issue.code) {
    case "invalid_type":
      return `${what} must be ${EXPECTED[issue.expected] ?? issue.expected}, not ${show(value)}`;
    case "too_small":
      return issue.origin === "string" || issue.origin === "array"
        ? `${what} is empty`
        : `${what} must be at least ${issue.minimum}`;
    case "too_big":
      return `${what} must be at most ${issue.maximum}${issue.origin === "string" ? " characters long" : ""}`;
    default:
      return `${what} cannot be ${show(value)}`;
  }
}

const EXPECTED: Record<string, string> = {
  object: "a mapping",
  record: "a mapping",
  string: "text",
  number: "a number",
  boolean: "true or false",
  int: "a whole number",
};

function allowedValues(issue: Issue): string[] {
  if (issue.code === "invalid_value") return issue.values.map(String);
  if (issue.code === "invalid_union" && "options" in issue) return (issue.options as unknown[]).map(String);
  return [];
}

function show(value: unknown): string {
  if (Array.isArray(value)) return "a list";
  if (typeof value === "object" && value !== null) return "a mapping";
  if (typeof value === "number") return String(value);
  const text = JSON.stringify(value) ?? "nothing";
  return text.length > 60 ? `${text.slice(0, 57)}…"` : text;
}

function valueAt(data: unknown, path: Path): unknown {
  return path.reduce<unknown>(
    (value, key) =>
      (isMapping(value) || Array.isArray(value)) && Object.hasOwn(value, key)
        ? (value as Record<string | number, unknown>)[key]
        : undefined,
    data,
  );
}

/** The schema that the value at `path` is held against. */
function schemaAt(root: Schema, path: Path, data: unknown): Schema | undefined {
  let schema: Schema | undefined = root;
  for (const [index, key] of path.entries()) {
    schema = resolve(schema, valueAt(data, path.slice(0, index)));
    if (schema instanceof z.ZodObject) schema = schema.shape[key];
    else if (schema instanceof z.ZodRecord) schema = schema.valueType;
    else if (schema instanceof z.ZodArray) schema = schema.element;
    else return undefined;
  }
  return resolve(schema, valueAt(data, path));
}

/** Without wrappers, and of a union the option that the value seems to be meant for. */
function resolve(schema: Schema | undefined, value: unknown): Schema | undefined {
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodDefault)
    return resolve(schema.unwrap(), value);
  // A union that explains itself stands for all of its options.
  if (schema instanceof z.ZodUnion && !explanations.has(schema)) {
    const options = schema.options.map((option) => resolve(option, value));
    const told =
      schema instanceof z.ZodDiscriminatedUnion && optionTold(options, value, schema.def.discriminator);
    return told || options.toSorted((a, b) => likeness(b, value) - likeness(a, value))[0];
  }
  return schema;
}

function optionTold(options: (Schema | undefined)[], value: unknown, key: string): Schema | undefined {
  const kind = isMapping(value) ? value[key] : undefined;
  return options.find(
    (option) => option instanceof z.ZodObject && z.safeParse(option.shape[key], kind).success,
  );
}

function likeness(schema: Schema | undefined, value: unknown): number {
  if (schema instanceof z.ZodArray) return Array.isArray(value) ? 1 : -1;
  if (!(schema instanceof z.ZodObject)) return isMapping(value) ? -1 : 0;
  if (!isMapping(value)) return -1;
  return Object.entries(schema.shape).filter(
    ([key, field]) => Object.hasOwn(value, key) && z.safeParse(field as Schema, value[key]).success,
  ).length;
}

function isMapping(value: unknown): value is Record<string | number, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
