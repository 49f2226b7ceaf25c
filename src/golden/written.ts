/** A file of golden tests as people write it: its keys and the form of each value. */
import { z } from "zod";
import { explanations } from "../definition/written.ts";
import type { Wrong } from "../definition/wrong.ts";
import { microsOfIso } from "../platform/instants.ts";

/** A time in UTC or with a zone. */
const Instant = explained(
  z.string().refine((text) => microsOfIso(text) !== undefined),
  "a time is written like 2026-11-21T12:00:00Z",
);

const Scalar = explained(
  z.union([z.string(), z.number(), z.boolean(), z.null()]),
  "a value is a number, a text, true, false or null",
);

/** By column. */
const Row = z.record(z.string(), Scalar);

/** Exactly one of all but `timestamp`. */
const Change = z
  .strictObject({
    insert: Row.optional(),
    update: Row.optional(),
    delete: Row.optional(),
    snapshot: Row.optional(),
    truncate: z.literal(true).optional(),
    /** A record's value as it is; null is a tombstone. */
    event: z.unknown().optional(),
    batch: explained(
      z.union([z.literal(true), Instant]),
      "a batch ends with true, or with the time that it is computed at",
    ).optional(),
    timestamp: Instant.optional(),
  })
  .meta({ title: "a change" });

const Expectation = z
  .strictObject({
    entity: explained(
      z.union([z.string(), z.number(), z.boolean(), Row]),
      "an entity is its key, or a mapping of the key's columns",
    ),
    features: explained(
      z.union([z.literal("none"), Row]),
      "features are a mapping of names to values, or none for an entity without a row",
    ),
    window_start: Instant.optional(),
  })
  .meta({ title: "an expectation" });

const Case = z
  .strictObject({
    name: z.string().trim().min(1),
    as_of: Instant,
    given: z.array(Change),
    expect: z.array(Expectation).min(1),
  })
  .meta({ title: "a case" });

export const WrittenTests = z
  .strictObject({ feature_set: z.string().trim().min(1), cases: z.array(Case).min(1) })
  .meta({ title: "a file of golden tests" });

export type WrittenTests = z.infer<typeof WrittenTests>;
export type WrittenCase = z.infer<typeof Case>;
export type WrittenChange = z.infer<typeof Change>;
export type WrittenExpectation = z.infer<typeof Expectation>;
export type WrittenRow = z.infer<typeof Row>;
export type WrittenScalar = z.infer<typeof Scalar>;

function explained<S extends z.ZodType>(schema: S, message: string): S {
  explanations.add(schema, { explain: (): Wrong => ({ message }) });
  return schema;
}
