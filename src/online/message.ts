/** The features topic: one message for each time that a window's features changed, in real-time mode. */
import { z } from "zod";

const message = z.object({
  /** Of the features hash; null when a whole table was truncated, which the micro-batch pass after it writes. */
  key: z.string().nullable(),
  /** Its start, epoch seconds in twelve digits: the field in the windows hash. */
  window: z.string(),
  /** Of real-time batches one after another, with nothing but micro-batches before and after. */
  run: z.string(),
  /** Spark's number of the real-time batch. */
  batch: z.number(),
  /** Changes of the batch that the window has taken by then. */
  count: z.number(),
  /** What compare_and_write.lua stores, empty when the window lost its last row. */
  payload: z.string(),
  /** Kafka's timestamp of the newest change in it, ms since 1970. */
  source_ms: z.number().nullish(),
});

export type FeatureMessage = z.infer<typeof message>;

/** Undefined for what no job wrote. */
export function parseMessage(value: Buffer | null): FeatureMessage | undefined {
  if (value === null) return undefined;
  try {
    return message.parse(JSON.parse(value.toString("utf8")));
  } catch {
    return undefined;
  }
}

/** What a job tells before each real-time batch. */
export interface BatchStart {
  run: string;
  batch: number;
  /** Sum of its start offsets. */
  position: number;
  /** Start (epoch seconds) of the newest window that is no longer kept. */
  expired: number;
}

/** As the stores write a position in the log. */
export function versionOf({ position }: BatchStart, { count }: FeatureMessage): string {
  return String(position + count).padStart(20, "0");
}
