/** A definition as people write it: its keys and the form of each value. What they mean together, the rules check. */
import { z } from "zod";
import { COLUMN_TYPE_PATTERN, explainColumnType } from "./column-type.ts";
import { DURATION_PATTERN, explainDuration } from "./duration.ts";
import {
  COLUMN_NAME_PATTERN,
  explainColumnName,
  explainName,
  explainTable,
  NAME_PATTERN,
  TABLE_PATTERN,
} from "./names.ts";
import type { Wrong } from "./wrong.ts";

/** What to tell about a value that does not fit a schema, where the schema alone would say too little. */
export const explanations = z.registry<{ explain: (value: unknown) => Wrong }>();

const Name = z
  .string()
  .regex(NAME_PATTERN)
  .meta({ id: "name" })
  .register(explanations, { explain: explainName });
const ColumnName = z
  .string()
  .regex(COLUMN_NAME_PATTERN)
  .meta({ id: "columnName" })
  .register(explanations, { explain: explainColumnName });
const Table = z
  .string()
  .regex(TABLE_PATTERN)
  .meta({ id: "table", examples: ["public.orders"] })
  .register(explanations, { explain: explainTable });
const Duration = z
  .string()
  .regex(DURATION_PATTERN)
  .meta({ id: "duration", examples: ["30 days", "1 hour"] })
  .register(explanations, { explain: explainDuration });
const ColumnTypeText = z
  .string()
  .regex(COLUMN_TYPE_PATTERN)
  .meta({
    id: "columnType",
    examples: ["bigint", "integer", "text", "boolean", "date", "timestamp", "decimal(12,2)"],
  })
  .register(explanations, { explain: explainColumnType });
const Description = z.string().trim().min(1).max(500).meta({ id: "description" });

export const WrittenColumn = z.union([
  ColumnTypeText,
  z
    .strictObject({
      type: ColumnTypeText,
      encoding: z
        .enum(["auto", "precise", "text"])
        .describe(
          "How Debezium writes this decimal (decimal.handling.mode); auto tells them apart by their text.",
        )
        .optional(),
      unit: z
        .enum(["millis", "micros", "nanos"])
        .describe("What a bare number in this timestamp counts since 1970; micros unless told.")
        .optional(),
    })
    .meta({ title: "a column" }),
]);

const described = { description: Description.optional() };

export const WrittenFeature = z.discriminatedUnion("kind", [
  z.discriminatedUnion("aggregate", [
    z
      .strictObject({ ...described, kind: z.literal("aggregated"), aggregate: z.literal("count") })
      .meta({ title: "a count of rows" }),
    z
      .strictObject({
        ...described,
        kind: z.literal("aggregated"),
        aggregate: z.enum(["sum", "count_distinct"]),
        column: ColumnName,
      })
      .meta({ title: "an aggregate of a column" }),
  ]),
  z
    .strictObject({
      ...described,
      kind: z.literal("behavioural"),
      measure: z.literal("recency"),
      unit: z.literal("days"),
    })
    .meta({ title: "a behavioural feature" }),
  z
    .strictObject({
      ...described,
      kind: z.literal("derived"),
      expression: z
        .string()
        .max(1000)
        .describe("Over features before this one, parameters and numbers: + - * / ( ) > >= < <= = !="),
      digits: z
        .int()
        .min(0)
        .max(18)
        .describe("Digits after the point that a number is rounded to, half up.")
        .optional(),
    })
    .meta({ title: "a derived feature" }),
]);

export const WrittenSource = z
  .strictObject({
    table: Table.describe("Schema and table in Postgres."),
    primary_key: ColumnName,
    event_time: ColumnName.describe("The timestamp column that says when a row happened."),
    columns: z
      .record(ColumnName, WrittenColumn)
      .describe("Every column the feature set reads, with its type."),
  })
  .meta({ title: "source" });

export const WrittenWindow = z
  .strictObject({
    type: z.literal("tumbling"),
    length: Duration,
    retention: Duration.describe(
      "How long past its end a window still takes changes; its length unless told.",
    ).optional(),
  })
  .meta({ title: "window" });

export const WrittenDefinition = z
  .strictObject({
    name: Name.describe("As in `cdc-features run NAME`, and the same as the file's."),
    description: Description,
    entity: ColumnName.describe("The column whose values the features describe."),
    source: WrittenSource,
    window: WrittenWindow,
    watermark: Duration.describe("How late a row may always come, in event time."),
    parameters: z.record(Name, z.number()).describe("Numbers that expressions use by name.").optional(),
    features: z.record(Name, WrittenFeature),
  })
  .meta({ title: "a feature set", description: "Features over a Debezium change stream, for cdc-features." });

export type WrittenColumn = z.infer<typeof WrittenColumn>;
export type WrittenFeature = z.infer<typeof WrittenFeature>;
export type WrittenDefinition = z.infer<typeof WrittenDefinition>;

/** JSON Schema of a definition, for editors. */
export function jsonSchema(): object {
  return z.toJSONSchema(WrittenDefinition, { io: "input" });
}
