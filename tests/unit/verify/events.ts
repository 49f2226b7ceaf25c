/** Debezium events of the orders table, as short as a test can read them. */

export interface Order {
  order_id: number | string;
  customer_id?: number | string | null;
  product_id?: string;
  quantity?: number | null;
  total_amount?: unknown;
  created_at?: unknown;
}

type Op = "c" | "r" | "u" | "d";

/** Bytes of one change; `lsn` alone makes the version unless `source` says more. */
export function event(
  op: Op,
  lsn: number | string,
  { before, after }: { before?: Order | null; after?: Order | null },
  source: Record<string, unknown> = {},
): Buffer {
  const payload = {
    before: before ?? null,
    after: after ?? null,
    source: { schema: "public", table: "orders", lsn: 0, sequence: null, ...source },
    op,
    ts_ms: 0,
  };
  return Buffer.from(JSON.stringify(payload).replace('"lsn":0', `"lsn":${lsn}`));
}

export const insert = (lsn: number, after: Order): Buffer => event("c", lsn, { after });
export const update = (lsn: number, before: Order, after: Order): Buffer =>
  event("u", lsn, { before, after });
export const remove = (lsn: number, before: Order): Buffer => event("d", lsn, { before });
