/**
 * As much of a definition as can be understood while parts of it are wrong, so that the rules can look at the
 * rest. A name whose definition has a problem of its own stays known, as undefined.
 */
import type { z } from "zod";
import { parseColumnType } from "./column-type.ts";
import { parseExpression } from "./expression/parse.ts";
import { ExpressionError, type SyntaxTree } from "./expression/syntax-tree.ts";
import type { ColumnType } from "./feature-set.ts";
import { WrittenColumn, WrittenDefinition, WrittenFeature, WrittenSource, WrittenWindow } from "./written.ts";

export type DerivedFeature = Extract<WrittenFeature, { kind: "derived" }> & {
  tree: SyntaxTree | undefined;
  syntaxError: ExpressionError | undefined;
  /** Some of its other keys were left out here because they are wrong. */
  isPartial: boolean;
};

export type DraftFeature = Exclude<WrittenFeature, { kind: "derived" }> | DerivedFeature;

export interface Draft {
  /** As it was given, to name the place. */
  file: string;
  name: string | undefined;
  entity: string | undefined;
  primaryKey: string | undefined;
  eventTime: string | undefined;
  /** Undefined when there is no mapping of columns at all. */
  columns: Map<string, { type: ColumnType; written: WrittenColumn } | undefined> | undefined;
  length: string | undefined;
  retention: string | undefined;
  watermark: string | undefined;
  /** Each number as it was written. */
  parameters: Map<string, string | undefined>;
  features: Map<string, DraftFeature | undefined> | undefined;
}

export function draftOf(
  data: unknown,
  file: string,
  numberText: (path: string[]) => string | undefined,
): Draft {
  const top = mapping(data) ?? {};
  const source = mapping(top.source) ?? {};
  const window = mapping(top.window) ?? {};
  const columns = mapping(source.columns);
  const parameters = mapping(top.parameters) ?? {};
  const features = mapping(top.features);
  const { shape } = WrittenDefinition;
  return {
    file,
    name: pick(shape.name, top.name),
    entity: pick(shape.entity, top.entity),
    primaryKey: pick(WrittenSource.shape.primary_key, source.primary_key),
    eventTime: pick(WrittenSource.shape.event_time, source.event_time),
    columns: columns && mapValues(columns, draftColumn),
    length: pick(WrittenWindow.shape.length, window.length),
    retention: pick(WrittenWindow.shape.retention, window.retention),
    watermark: pick(shape.watermark, top.watermark),
    parameters: mapValues(parameters, (_, name) => numberText(["parameters", name])),
    features: features && mapValues(features, draftFeature),
  };
}

function draftColumn(value: unknown) {
  const written = pick(WrittenColumn, value);
  if (written === undefined) return undefined;
  return { written, type: parseColumnType(typeof written === "string" ? { type: written } : written) };
}

function draftFeature(value: unknown): DraftFeature | undefined {
  const whole = pick(WrittenFeature, value);
  const written = whole ?? pick(WrittenFeature, withoutWrongKeys(value));
  if (written?.kind !== "derived") return written;
  const common = { ...written, isPartial: whole === undefined };
  try {
    return { ...common, tree: parseExpression(written.expression), syntaxError: undefined };
  } catch (error) {
    if (!(error instanceof ExpressionError)) throw error;
    return { ...common, tree: undefined, syntaxError: error };
  }
}

function withoutWrongKeys(value: unknown): unknown {
  const issues = WrittenFeature.safeParse(value).error?.issues ?? [];
  const wrong = issues.flatMap((issue) =>
    issue.code === "unrecognized_keys" ? issue.keys : [issue.path[0]],
  );
  return Object.fromEntries(Object.entries(mapping(value) ?? {}).filter(([key]) => !wrong.includes(key)));
}

function pick<S extends z.ZodType>(schema: S, value: unknown): z.infer<S> | undefined {
  return schema.safeParse(value).data;
}

function mapping(value: unknown): Record<string, unknown> | undefined {
  return typeof value === "object" && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : undefined;
}

function mapValues<T>(
  object: Record<string, unknown>,
  change: (value: unknown, key: string) => T,
): Map<string, T> {
  return new Map(Object.entries(object).map(([key, value]) => [key, change(value, key)]));
}
