/**
 * As much of a definition as can be understood while parts of it are wrong, so that the rules can look at the
 * rest. A name whose definition has a problem of its own stays known, as undefined.
 */
import type { z } from "zod";
import { parseColumnType } from "./column-type.ts";
import type { Path } from "./diagnostics.ts";
import { CUT_AT_COMMA, isCutAtComma } from "./expression/cut.ts";
import { parseExpression } from "./expression/parse.ts";
import { ExpressionError, type SyntaxTree } from "./expression/syntax-tree.ts";
import { type ColumnType, ONLY_WINDOW, type Source } from "./feature-set.ts";
import { DEFAULT_MODE, type Mode } from "./mode.ts";
import type { DraftWindow, WindowTime } from "./windows.ts";
import {
  WrittenColumn,
  WrittenDefinition,
  WrittenDrift,
  WrittenFeature,
  WrittenRule,
  WrittenSlos,
  WrittenSource,
  WrittenWindow,
} from "./written.ts";

/** `isPartial`: some of its other keys were left out here because they are wrong. */
type Draftable<F> = F & { isPartial: boolean };

export type DerivedFeature = Draftable<Extract<WrittenFeature, { kind: "derived" }>> & {
  tree: SyntaxTree | undefined;
  syntaxError: ExpressionError | undefined;
};

/** A feature over the rows of a window. */
export type RowFeature = Draftable<Exclude<WrittenFeature, { kind: "derived" }>>;

export type DraftFeature = RowFeature | DerivedFeature;

/** `limits` are its numbers as they were written. */
export type DraftRule = WrittenRule & {
  limits: ReadonlyMap<string, string>;
  /** Allowed values, numbers as they were written. */
  texts?: string[];
  /** Of a relation. */
  tree?: SyntaxTree | undefined;
  syntaxError?: ExpressionError | undefined;
};

/** One of the columns of a key, undefined when it cannot be a column's name. */
export interface KeyColumn {
  column: string | undefined;
  path: Path;
}

/** A number as it was written. */
export type DraftParameter = { kind: "number" | "text"; text: string };

export interface Draft {
  /** As it was given, to name the place. */
  file: string;
  name: string | undefined;
  entity: KeyColumn[] | undefined;
  table: string | undefined;
  primaryKey: KeyColumn[] | undefined;
  eventTime: string | undefined;
  immutable: KeyColumn[];
  /** The next three have their defaults where they are left out, and are undefined where they are wrong. */
  appendOnly: boolean | undefined;
  format: Source["format"] | undefined;
  replicaIdentity: Source["replicaIdentity"] | undefined;
  /** Undefined when there is no mapping of columns at all. */
  columns: Map<string, { type: ColumnType; written: WrittenColumn } | undefined> | undefined;
  /** Which of the keys `window` and `windows` are there. */
  windowKeys: ("window" | "windows")[];
  windows: DraftWindow[];
  watermark: string | undefined;
  /** Its default where it is left out, undefined where it is wrong. */
  mode: Mode | "batch" | undefined;
  schedule: string | undefined;
  parameters: Map<string, DraftParameter | undefined>;
  features: Map<string, DraftFeature | undefined> | undefined;
  validation: Map<string, DraftRule | undefined>;
  slos: Partial<z.infer<typeof WrittenSlos>>;
  drift: Partial<z.infer<typeof WrittenDrift>>;
}

export function draftOf(
  data: unknown,
  file: string,
  numberText: (path: string[]) => string | undefined,
): Draft {
  const top = mapping(data) ?? {};
  const source = mapping(top.source) ?? {};
  const columns = mapping(source.columns);
  const parameters = mapping(top.parameters) ?? {};
  const features = mapping(top.features);
  const { shape } = WrittenDefinition;
  const sourceShape = WrittenSource.shape;
  return {
    file,
    name: pick(shape.name, top.name),
    entity: keyColumns(top.entity, ["entity"]),
    table: pick(sourceShape.table, source.table),
    primaryKey: keyColumns(source.primary_key, ["source", "primary_key"]),
    eventTime: pick(sourceShape.event_time, source.event_time),
    immutable: keyColumns(source.immutable, ["source", "immutable"]) ?? [],
    appendOnly: pick(sourceShape.append_only.default(false), source.append_only),
    format: pick(sourceShape.format.default("envelope"), source.format),
    replicaIdentity: pick(sourceShape.replica_identity.default("full"), source.replica_identity),
    columns: columns && mapValues(columns, draftColumn),
    windowKeys: (["window", "windows"] as const).filter((key) => top[key] !== undefined),
    windows: draftWindows(top),
    watermark: pick(shape.watermark, top.watermark),
    mode: pick(shape.mode.unwrap().default(DEFAULT_MODE), top.mode),
    schedule: pick(shape.schedule.unwrap(), top.schedule),
    parameters: mapValues(parameters, (value, name) =>
      draftParameter(value, numberText(["parameters", name])),
    ),
    features: features && mapValues(features, draftFeature),
    validation: mapValues(mapping(top.validation) ?? {}, (value, name) =>
      draftRule(value, (...path) => numberText(["validation", name, ...path])),
    ),
    slos: pick(WrittenSlos, top.slos) ?? {},
    drift: pick(WrittenDrift, top.drift) ?? {},
  };
}

function keyColumns(value: unknown, path: Path): KeyColumn[] | undefined {
  if (value === undefined) return undefined;
  const name = (one: unknown) => pick(WrittenSource.shape.event_time, one);
  if (!Array.isArray(value)) return [{ column: name(value), path }];
  return value.map((one, index) => ({ column: name(one), path: [...path, index] }));
}

function draftColumn(value: unknown) {
  const written = pick(WrittenColumn, value);
  if (written === undefined) return undefined;
  return { written, type: parseColumnType(typeof written === "string" ? { type: written } : written) };
}

function draftWindows({ window, windows }: Record<string, unknown>): DraftWindow[] {
  const only = window === undefined ? [] : [draftWindow(window, ONLY_WINDOW, ["window"])];
  const named = Object.entries(mapping(windows) ?? {}).map(([name, value]) =>
    draftWindow(value, name, ["windows", name]),
  );
  return [...only, ...named];
}

function draftWindow(value: unknown, name: string, path: Path): DraftWindow {
  const written = mapping(value) ?? {};
  const form = WrittenWindow.options.find(({ shape }) => shape.type.safeParse(written.type).success);
  const times: DraftWindow["times"] = {};
  for (const [key, schema] of Object.entries(form?.shape ?? {})) {
    const text = key === "type" ? undefined : pick(schema, written[key]);
    if (text !== undefined) times[key as WindowTime] = text;
  }
  const isPartial = !WrittenWindow.safeParse(value).success;
  return { name, path, kind: form?.shape.type.value, times, isPartial };
}

function draftParameter(value: unknown, numberText: string | undefined): DraftParameter | undefined {
  if (numberText !== undefined) return { kind: "number", text: numberText };
  return typeof value === "string" ? { kind: "text", text: value } : undefined;
}

function draftFeature(value: unknown): DraftFeature | undefined {
  const whole = pick(WrittenFeature, value);
  const written = whole ?? pick(WrittenFeature, withoutWrongKeys(value));
  const isPartial = whole === undefined;
  if (written?.kind !== "derived") return written && { ...written, isPartial };
  const common = { ...written, isPartial };
  try {
    return { ...common, tree: parseExpression(written.expression), syntaxError: undefined };
  } catch (error) {
    if (!(error instanceof ExpressionError)) throw error;
    const syntaxError = isCutAtComma(mapping(value) ?? {}) ? new ExpressionError(CUT_AT_COMMA, 0) : error;
    return { ...common, tree: undefined, syntaxError };
  }
}

function draftRule(
  value: unknown,
  numberText: (...path: string[]) => string | undefined,
): DraftRule | undefined {
  const written = pick(WrittenRule, value);
  if (written === undefined) return undefined;
  const limits = new Map<string, string>();
  for (const key of Object.keys(written)) {
    const text = numberText(key);
    if (text !== undefined) limits.set(key, text);
  }
  switch (written.check) {
    case "allowed_values": {
      const texts = written.values.map((one, index) => numberText("values", String(index)) ?? String(one));
      return { ...written, limits, texts };
    }
    case "relation":
      try {
        return { ...written, limits, tree: parseExpression(written.expression) };
      } catch (error) {
        if (!(error instanceof ExpressionError)) throw error;
        return { ...written, limits, syntaxError: error };
      }
    default:
      return { ...written, limits };
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
