/** How a value came about, as `explain --json` prints it. */

export interface Explanation {
  featureSet: string;
  entity: string;
  feature: string;
  /** The feature in words; of a derived one, its expression. */
  meaning: string;
  /** What it is by the log, as the online store writes it; null for a null, and for an entity with nothing to show. */
  value: string | null;
  /** ISO time that the value is right as of, UTC. */
  asOf: string;
  /** What the online store holds; null where the entity has no key. */
  online: { value: string | null; computedAt: string | null } | null;
  /** The features that a derived one is made of, in their order. */
  operands: { name: string; meaning: string; value: string | null }[];
  /** The names of the primary key's columns; `key` of rows and events holds their values. */
  key: string[];
  /** The names of the columns that the feature reads; `values` of rows holds theirs. */
  columns: string[];
  /** The windows that the feature is over. */
  windows: { name: string; start: string | null; end: string | null; rows: number }[];
  /** The rows that count, latest first. */
  rows: ExplainedRow[];
  /** Those of the interval before, which a velocity is against. */
  rowsBefore: ExplainedRow[];
  /** The entity's rows that count in none of these windows, now. */
  rowsElsewhere: number;
  /** Rows that were the entity's and are no more. */
  left: ExplainedChange[];
  /** Events about the entity that change nothing. */
  setAside: ExplainedChange[];
  /** How many events there are of the entity, in all. */
  events: number;
}

export interface ExplainedChange {
  key: string[];
  why: string;
  event: ExplainedEvent;
}

export interface ExplainedRow {
  key: string[];
  eventTime: string;
  /** As a feature would be written; null for a null. */
  values: (string | null)[];
  /** What gave the row its present version. */
  event: ExplainedEvent;
}

export interface ExplainedEvent {
  /** `shop.public.orders[0]@17`: topic, partition, offset. */
  at: string;
  op: string;
  /** When the database committed it; null where the event does not say. */
  committedAt: string | null;
}
