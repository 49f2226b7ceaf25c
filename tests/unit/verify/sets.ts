/** Checked feature sets by hand, so that these tests stand without the definition's parser. */
import { type Expression, type FeatureSet, ONLY_WINDOW } from "../../../src/definition/feature-set.ts";

const DAY = 86_400_000;
const HOUR = 3_600_000;

const source = {
  primaryKey: ["order_id"],
  eventTime: "created_at",
  appendOnly: false,
  format: "envelope",
  replicaIdentity: "full",
  immutable: [] as string[],
} as const satisfies Partial<FeatureSet["source"]>;

const feature = (name: string): Expression => ({ op: "feature", name });

/** What is meant where a definition says nothing of it. */
export const DRIFT: FeatureSet["drift"] = {
  windows: "all",
  currentMs: 604_800_000,
  referenceMs: 2_419_200_000,
  maxPsi: 0.2,
  maxKs: 0.2,
  maxNullRateChange: 0.05,
  maxZeroRateChange: 0.1,
  minRows: 200,
  features: [],
};

export const customer: FeatureSet = {
  name: "customer",
  description: "Spending and recency of each customer over 30 days.",
  entity: ["customer_id"],
  source: {
    schema: "public",
    table: "orders",
    ...source,
    columns: [
      { name: "order_id", type: { kind: "bigint" } },
      { name: "customer_id", type: { kind: "bigint" } },
      { name: "total_amount", type: { kind: "decimal", precision: 12, scale: 2, encoding: "auto" } },
      { name: "created_at", type: { kind: "timestamp", unit: "micros" } },
    ],
  },
  windows: [{ kind: "tumbling", name: ONLY_WINDOW, lengthMs: 30 * DAY, retentionMs: 30 * DAY }],
  watermarkMs: HOUR,
  deadLetterShare: 0.2,
  validation: [],
  scheduleMs: null,
  slos: {},
  drift: DRIFT,
  mode: "micro-batch",
  features: [
    {
      name: "order_count_30d",
      description: "",
      type: { kind: "bigint" },
      kind: "aggregated",
      window: ONLY_WINDOW,
      aggregate: "count",
    },
    {
      name: "total_spend_30d",
      description: "",
      type: { kind: "decimal", digits: 2 },
      kind: "aggregated",
      window: ONLY_WINDOW,
      aggregate: "sum",
      column: "total_amount",
    },
    {
      name: "avg_order_value_30d",
      description: "",
      type: { kind: "decimal", digits: 2 },
      kind: "derived",
      expression: { op: "/", left: feature("total_spend_30d"), right: feature("order_count_30d") },
    },
    {
      name: "days_since_last_order",
      description: "",
      type: { kind: "integer" },
      kind: "behavioural",
      window: ONLY_WINDOW,
      measure: "recency",
      unit: "days",
    },
    {
      name: "is_high_value",
      description: "",
      type: { kind: "boolean" },
      kind: "derived",
      expression: { op: ">", left: feature("total_spend_30d"), right: { op: "literal", value: "1000" } },
    },
    {
      name: "is_lapsed",
      description: "",
      type: { kind: "boolean" },
      kind: "derived",
      expression: { op: ">=", left: feature("days_since_last_order"), right: { op: "literal", value: "14" } },
    },
  ],
};

export const product: FeatureSet = {
  name: "product",
  description: "Sales of each product over 7 days.",
  entity: ["product_id"],
  source: {
    schema: "public",
    table: "orders",
    ...source,
    columns: [
      { name: "order_id", type: { kind: "bigint" } },
      { name: "product_id", type: { kind: "text" } },
      { name: "customer_id", type: { kind: "bigint" } },
      { name: "quantity", type: { kind: "integer" } },
      { name: "created_at", type: { kind: "timestamp", unit: "micros" } },
    ],
  },
  windows: [{ kind: "tumbling", name: ONLY_WINDOW, lengthMs: 7 * DAY, retentionMs: 7 * DAY }],
  watermarkMs: HOUR,
  deadLetterShare: 0.2,
  validation: [],
  scheduleMs: null,
  slos: {},
  drift: DRIFT,
  mode: "micro-batch",
  features: [
    {
      name: "units_sold_7d",
      description: "",
      type: { kind: "bigint" },
      kind: "aggregated",
      window: ONLY_WINDOW,
      aggregate: "sum",
      column: "quantity",
    },
    {
      name: "unique_customers_7d",
      description: "",
      type: { kind: "bigint" },
      kind: "aggregated",
      window: ONLY_WINDOW,
      aggregate: "count_distinct",
      column: "customer_id",
    },
    {
      name: "sales_per_day",
      description: "",
      type: { kind: "decimal", digits: 2 },
      kind: "derived",
      expression: { op: "/", left: feature("units_sold_7d"), right: { op: "literal", value: "7" } },
    },
  ],
};
