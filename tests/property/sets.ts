/** Feature sets that histories are run through, and what plain arithmetic over the table in the end says of some. */
import { Big } from "big.js";
import type { FeatureValue } from "../../src/stores/values.ts";
import { iso, type Row, type TableForm } from "./history.ts";

export interface SetUnderTest {
  name: string;
  /** Path of the definition from the repository's root. */
  file: string;
  form: TableForm;
  entity(customer: number): string;
  /** Some features of an entity as served, by name, from its rows in the end; undefined where it must have no row. */
  oracle?(rows: Row[], nowMs: number): Record<string, FeatureValue> | undefined;
}

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

const orders: TableForm = {
  format: "envelope",
  schema: "public",
  table: "orders",
  moves: true,
  appendOnly: false,
  row: ({ orderId, customerId, cents, createdMs }) => ({
    region: "eu",
    order_id: orderId,
    customer_id: customerId,
    product_id: 1,
    quantity: cents === null ? null : Math.abs(cents % 5),
    total_amount: amount(cents),
    status: cents === null ? null : cents % 2 === 0 ? "new" : "paid",
    due: cents === null ? null : 20_000 + (cents % 7),
    paid: cents === null ? null : cents > 100,
    created_at: iso(createdMs),
    updated_at: iso(createdMs),
  }),
};

function amount(cents: number | null): string | null {
  return cents === null ? null : new Big(cents).div(100).toFixed(2);
}

function centsOf(rows: Row[]): number[] {
  return rows.flatMap(({ cents }) => (cents === null ? [] : [cents]));
}

function sumOf(rows: Row[]): Big | null {
  const known = centsOf(rows);
  return known.length === 0 ? null : new Big(known.reduce((sum, cents) => sum + cents, 0)).div(100);
}

/** Rows of the interval that ends with the granule of now. */
function trailing(rows: Row[], lengthMs: number, granuleMs: number, nowMs: number): Row[] {
  const end = (Math.floor(nowMs / granuleMs) + 1) * granuleMs;
  return rows.filter(({ createdMs }) => createdMs >= end - lengthMs && createdMs < end);
}

const plain = { form: orders, entity: String };
const golden = (name: string) => `tests/fixtures/golden/features/${name}.yaml`;

const ALL: SetUnderTest[] = [
  {
    ...plain,
    name: "customer",
    file: "features/customer.yaml",
    oracle: (rows) => {
      const of = (row: Row) => Math.floor(row.createdMs / (720 * HOUR));
      const latest = Math.max(...rows.map(of));
      const served = rows.filter((row) => of(row) === latest);
      if (served.length === 0) return undefined;
      return { order_count_30d: new Big(served.length), total_spend_30d: sumOf(served) };
    },
  },
  { ...plain, name: "sliding", file: golden("sliding") },
  {
    ...plain,
    name: "rolling",
    file: golden("rolling"),
    oracle: (rows, nowMs) => {
      const day = trailing(rows, 24 * HOUR, HOUR, nowMs);
      const hour = trailing(rows, HOUR, 5 * MINUTE, nowMs);
      if (day.length + hour.length === 0) return undefined;
      return { orders_1d: new Big(day.length), orders_1h: new Big(hour.length), spend_1h: sumOf(hour) };
    },
  },
  { ...plain, name: "session", file: golden("session") },
  {
    ...plain,
    name: "lifetime",
    file: golden("lifetime"),
    entity: (customer) => `eu:${customer}`,
    oracle: (rows) => {
      if (rows.length === 0) return undefined;
      const statuses = new Set(centsOf(rows).map((cents) => cents % 2 === 0));
      return { orders: new Big(rows.length), statuses: new Big(statuses.size) };
    },
  },
  { ...plain, name: "latest_tumbling", file: golden("latest_tumbling") },
  { ...plain, name: "customer_360", file: "features/examples/customer_360.yaml" },
  {
    ...plain,
    name: "flattened",
    file: golden("flattened"),
    form: { ...orders, format: "flattened", moves: false },
  },
  {
    ...plain,
    name: "append_only",
    file: golden("append_only"),
    form: {
      ...orders,
      table: "payments",
      appendOnly: true,
      row: ({ orderId, customerId, cents, createdMs }) => ({
        payment_id: orderId,
        customer_id: customerId,
        amount: amount(cents),
        paid_at: iso(createdMs),
      }),
    },
  },
];

export const SETS = ALL.filter(({ name }) =>
  (process.env.CDC_FEATURES_PROPERTY_SETS ?? name).split(",").includes(name),
);
