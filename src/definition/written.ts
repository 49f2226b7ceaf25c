/** A definition as people write it: its keys and the form of each value. What they mean together, the rules check. */
import { z } from "zod";
import { COLUMN_TYPE_PATTERN, explainColumnType } from "./column-type.ts";
import { DURATION_PATTERN, explainDuration } from "./duration.ts";
import { MODES } from "./mode.ts";
import {
  COLUMN_NAME_PATTERN,
  explainColumnName,
  explainName,
  explainTable,
  explainWindowName,
  NAME_PATTERN,
  TABLE_PATTERN,
  WINDOW_NAME_PATTERN,
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
const WindowName = z
  .string()
  .regex(WINDOW_NAME_PATTERN)
  .meta({ id: "windowName", examples: ["1h", "30d", "lifetime"] })
  .register(explanations, { explain: explainWindowName });
const Parameter = z.union([z.number(), z.string().max(500)]).register(explanations, {
  explain: (value) => ({
    message:
      typeof value === "string"
        ? "a parameter's text has at most 500 characters"
        : "a parameter is a number or a text",
  }),
});
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

const Columns = z.union([ColumnName, z.array(ColumnName).min(1)]);

const Digits = z.int().min(0).max(18).describe("Digits after the point that it is rounded to, half up.");

const described = { description: Description.optional() };
const overWindow = {
  window: WindowName.describe(
    "The window whose rows it is over; may be left out where there is one.",
  ).optional(),
};
const aggregated = { ...described, kind: z.literal("aggregated") };
const behavioural = { ...described, kind: z.literal("behavioural") };

export const WrittenFeature = z.discriminatedUnion("kind", [
  z.discriminatedUnion("aggregate", [
    z
      .strictObject({ ...aggregated, aggregate: z.literal("count"), ...overWindow })
      .meta({ title: "a count of rows" }),
    z
      .strictObject({
        ...aggregated,
        aggregate: z.literal("avg"),
        column: ColumnName,
        digits: Digits,
        ...overWindow,
      })
      .meta({ title: "an average" }),
    z
      .strictObject({
        ...aggregated,
        aggregate: z.enum(["sum", "min", "max", "first", "last", "count_distinct"]),
        column: ColumnName,
        ...overWindow,
      })
      .meta({ title: "an aggregate of a column" }),
  ]),
  z
    .strictObject({ ...described, kind: z.literal("point_in_time"), column: ColumnName, ...overWindow })
    .meta({ title: "a point-in-time feature" }),
  z.discriminatedUnion("measure", [
    z
      .strictObject({ ...behavioural, measure: z.literal("recency"), unit: z.literal("days"), ...overWindow })
      .meta({ title: "a recency" }),
    z
      .strictObject({
        ...behavioural,
        measure: z.literal("frequency"),
        unit: z.enum(["minute", "hour", "day", "week"]),
        digits: Digits.default(2),
        ...overWindow,
      })
      .meta({ title: "a frequency" }),
    z
      .strictObject({
        ...behavioural,
        measure: z.literal("velocity"),
        digits: Digits.default(2),
        ...overWindow,
      })
      .meta({ title: "a velocity" }),
  ]),
  z
    .strictObject({
      ...described,
      kind: z.literal("derived"),
      expression: z
        .string()
        .max(1000)
        .describe(
          "Over features before this one, parameters, numbers and 'texts': + - * / ( ) > >= < <= = != coalesce ratio bucket cross",
        ),
      digits: Digits.optional(),
    })
    .meta({ title: "a derived feature" }),
]);

export const WrittenSource = z
  .strictObject({
    table: Table.describe("Schema and table in Postgres."),
    primary_key: Columns.describe("The column, or the columns, that tell which row it is."),
    event_time: ColumnName.describe("The timestamp column that says when a row happened."),
    append_only: z
      .boolean()
      .describe("Rows are inserted and never changed, so that the job need not keep them; false unless told.")
      .optional(),
    format: z
      .enum(["envelope", "flattened"])
      .describe("Debezium's envelope, or rows flattened by ExtractNewRecordState; envelope unless told.")
      .optional(),
    replica_identity: z
      .enum(["full", "default"])
      .describe("The table's REPLICA IDENTITY: what events tell of a row as it was; full unless told.")
      .optional(),
    immutable: Columns.describe("Columns that never change while a row exists.").optional(),
    columns: z
      .record(ColumnName, WrittenColumn)
      .describe("Every column the feature set reads, with its type."),
  })
  .meta({ title: "source" });

const retention = {
  retention: Duration.describe(
    "How long past its end a window still takes changes; its length unless told, of a session its longest.",
  ).optional(),
};

export const WrittenWindow = z.discriminatedUnion("type", [
  z
    .strictObject({ type: z.literal("tumbling"), length: Duration, ...retention })
    .meta({ title: "a tumbling window" }),
  z
    .strictObject({
      type: z.literal("sliding"),
      length: Duration,
      slide: Duration.describe("How long after each other windows start; it divides the length."),
      ...retention,
    })
    .meta({ title: "a sliding window" }),
  z
    .strictObject({
      type: z.literal("rolling"),
      length: Duration,
      granularity: Duration.describe(
        "The steps in which it follows now; 5 minutes unless told, 1 hour from 12 hours of length, 1 day from 12 days.",
      ).optional(),
    })
    .meta({ title: "a rolling window" }),
  z
    .strictObject({
      type: z.literal("session"),
      gap: Duration.describe("The pause that ends a session."),
      longest: Duration.describe("Earlier rows are left out of a session; 1 day unless told.").optional(),
      ...retention,
    })
    .meta({ title: "a session window" }),
  z.strictObject({ type: z.literal("unbounded") }).meta({ title: "an unbounded window" }),
]);

export const WrittenDefinition = z
  .strictObject({
    name: Name.describe("As in `cdc-features run NAME`, and the same as the file's."),
    description: Description,
    entity: Columns.describe("The column, or the columns, whose values the features describe."),
    source: WrittenSource,
    window: WrittenWindow.describe(
      "The only window; where there are several, they stand in windows.",
    ).optional(),
    windows: z.record(WindowName, WrittenWindow).describe("Several windows, each under its name.").optional(),
    watermark: Duration.describe("How late a row may always come, in event time."),
    mode: z
      .enum(MODES)
      .describe("How the job works: in micro-batches unless told, or in Spark's real-time mode.")
      .optional(),
    dead_letters: z
      .strictObject({
        max_share: z
          .number()
          .min(0)
          .max(1)
          .describe(
            "A run stops when more of its records than this share are dead letters; 0.2 unless told.",
          ),
      })
      .meta({ title: "dead_letters" })
      .optional(),
    parameters: z
      .record(Name, Parameter)
      .describe("Numbers and texts that expressions use by name.")
      .optional(),
    features: z.record(Name, WrittenFeature),
  })
  .meta({
    title: "a feature set",
    description: "Features over a Debezium change stream, for cdc-features.",
    // For editors only; here a rule says so in words.
    oneOf: [{ required: ["window"] }, { required: ["windows"] }],
  });

export type WrittenColumn = z.infer<typeof WrittenColumn>;
export type WrittenFeature = z.infer<typeof WrittenFeature>;
export type WrittenDefinition = z.infer<typeof WrittenDefinition>;

/** JSON Schema of a definition, for editors. */
export function jsonSchema(): object {
  return z.toJSONSchema(WrittenDefinition, { io: "input" });
}
