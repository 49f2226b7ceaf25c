/** A definition as people write it: its keys and the form of each value. What they mean together, the rules check. */
import { z } from "zod";
import { COLUMN_TYPE_PATTERN, explainColumnType } from "./column-type.ts";
import { DURATION_PATTERN, explainDuration } from "./duration.ts";
import { WRITTEN_MODES } from "./mode.ts";
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

const severity = {
  ...described,
  severity: z
    .enum(["warn", "quarantine", "fail"])
    .describe(
      "warn: it is counted. quarantine: the row goes to the quarantine, and what is served stays. fail: the run stops before anything of the batch is written.",
    ),
};
const OfFeature = Name.describe("The feature whose values are checked.");

/** A null passes every rule but `not_null`. */
export const WrittenRule = z.discriminatedUnion("check", [
  z
    .strictObject({ ...severity, check: z.literal("not_null"), feature: OfFeature })
    .meta({ title: "a not_null rule" }),
  z
    .strictObject({
      ...severity,
      check: z.literal("range"),
      feature: OfFeature,
      min: z.number().describe("The least value that is right.").optional(),
      max: z.number().describe("The greatest value that is right.").optional(),
    })
    .meta({ title: "a range rule" }),
  z
    .strictObject({
      ...severity,
      check: z.literal("allowed_values"),
      feature: OfFeature,
      values: z.array(z.union([z.string().max(500), z.number(), z.boolean()])).min(1),
    })
    .meta({ title: "an allowed_values rule" }),
  z
    .strictObject({
      ...severity,
      check: z.literal("pattern"),
      feature: OfFeature,
      pattern: z.string().min(1).max(500).describe("A regular expression that the whole text has to match."),
    })
    .meta({ title: "a pattern rule" }),
  z
    .strictObject({
      ...severity,
      check: z.literal("freshness"),
      max_age: Duration.describe(
        "How old the latest row of an entity may be when its features are computed.",
      ),
    })
    .meta({ title: "a freshness rule" }),
  z
    .strictObject({
      ...severity,
      check: z.literal("relation"),
      expression: z
        .string()
        .max(1000)
        .describe("A comparison over features and parameters that must hold, as in a derived feature."),
    })
    .meta({ title: "a relation rule" }),
  z
    .strictObject({
      ...severity,
      check: z.literal("outlier"),
      feature: OfFeature,
      method: z
        .enum(["robust_z_score", "quantiles"])
        .describe(
          "robust_z_score: distance from the median in median absolute deviations; quantiles: distance from the middle half in widths of it.",
        ),
      threshold: z.number().min(0).describe("A greater distance than this is an outlier, such as 6 or 3."),
      min_history: z
        .int()
        .min(10)
        .describe("Values that the history needs before the rule applies; 100 unless told.")
        .optional(),
    })
    .meta({ title: "an outlier rule" }),
  z
    .strictObject({
      ...severity,
      check: z.literal("sudden_change"),
      feature: OfFeature,
      max_change: z
        .number()
        .min(0)
        .describe("The most by which a value may differ from the one that is served.")
        .optional(),
      max_factor: z
        .number()
        .min(1)
        .describe("The most times by which it may be greater or less than the one that is served.")
        .optional(),
    })
    .meta({ title: "a sudden_change rule" }),
]);

const Share = z.number().min(0).max(1);

/** What a team promises of a running set; `status` says whether it is so. */
export const WrittenSlos = z
  .strictObject({
    freshness_p50: Duration.describe("Half of the changes can be read within this time.").optional(),
    freshness_p95: Duration.describe("95 of 100 changes can be read within this time.").optional(),
    freshness_p99: Duration.describe("99 of 100 changes can be read within this time.").optional(),
    lag: Duration.describe("The oldest change that waits is not older.").optional(),
    staleness: Duration.describe("The last batch was written at most this long ago.").optional(),
    quarantined_share: Share.describe("At most this share of the rows is in quarantine.").optional(),
    dead_letter_share: Share.describe("At most this share of the events are dead letters.").optional(),
  })
  .meta({ title: "slos" });

/** When the distribution of a feature has moved too far from that of a reference period. */
export const WrittenDrift = z
  .strictObject({
    windows: z
      .enum(["all", "finished"])
      .describe(
        "finished: those that ended in a period; all: those whose latest event is in it, also while they fill. finished unless told, where windows end at fixed times.",
      )
      .optional(),
    current: Duration.describe(
      "The time up to now that is looked at; 7 days unless told, and the length of a tumbling window where that is longer.",
    ).optional(),
    reference: Duration.describe(
      "The period just before, that they are compared with; 28 days unless told, or four times the current one, where that is longer.",
    ).optional(),
    max_psi: z.number().min(0).describe("Most population stability index; 0.2 unless told.").optional(),
    max_ks: Share.describe("Most Kolmogorov-Smirnov distance, for numbers; 0.2 unless told.").optional(),
    max_null_rate_change: Share.describe(
      "Most by which the share of nulls may change; 0.05 unless told.",
    ).optional(),
    max_zero_rate_change: Share.describe(
      "Most by which the share of zeros may change; 0.1 unless told.",
    ).optional(),
    min_rows: z
      .int()
      .min(1)
      .describe("Rows that each period needs to be compared; 200 unless told.")
      .optional(),
    features: z
      .array(Name)
      .min(1)
      .describe("Those that are looked at; all but recencies, and what derives from them, unless told.")
      .optional(),
  })
  .meta({ title: "drift" });

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
      .enum(WRITTEN_MODES)
      .describe(
        "How the job works: in micro-batches unless told, in Spark's real-time mode, or as a batch on a schedule.",
      )
      .optional(),
    schedule: Duration.describe(
      "In batch mode: a run with --continuous computes at each multiple of it since 1970 (UTC).",
    ).optional(),
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
    validation: z
      .record(Name, WrittenRule)
      .describe("What values must hold to before they are written, each rule under its name.")
      .optional(),
    slos: WrittenSlos.describe("Objectives that status watches.").optional(),
    drift: WrittenDrift.describe("Thresholds of drift, and the periods that it compares.").optional(),
  })
  .meta({
    title: "a feature set",
    description: "Features over a Debezium change stream, for cdc-features.",
    // For editors only; here a rule says so in words.
    oneOf: [{ required: ["window"] }, { required: ["windows"] }],
  });

export type WrittenColumn = z.infer<typeof WrittenColumn>;
export type WrittenFeature = z.infer<typeof WrittenFeature>;
export type WrittenRule = z.infer<typeof WrittenRule>;
export type WrittenDefinition = z.infer<typeof WrittenDefinition>;

/** JSON Schema of a definition, for editors. */
export function jsonSchema(): object {
  return z.toJSONSchema(WrittenDefinition, { io: "input" });
}
