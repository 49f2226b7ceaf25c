/** Debezium events of the orders table, as short as a test can read them, and a log of them. */
import type { FeatureSet } from "../../../src/definition/feature-set.ts";
import type { Manifest } from "../../../src/stores/manifests.ts";
import type { Element } from "../../../src/verify/elements.ts";
import { type LogListener, LogReader, type ReadLog } from "../../../src/verify/log.ts";
import { truthOfLog } from "../../../src/verify/truth.ts";
import { type FeatureSetReport, type VerifyOptions, verifyBy } from "../../../src/verify/verify.ts";

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

/** Keeps all elements by entity. */
export function gatherer(): LogListener & { elements: Map<string, Element[]> } {
  const elements = new Map<string, Element[]>();
  return {
    elements,
    element: (entity, element) => elements.set(entity, [...(elements.get(entity) ?? []), element]),
  };
}

export function manifest(offsets: Record<number, [number, number]>): Manifest {
  const batch_id = Object.values(offsets).reduce((sum, [, end]) => sum + end, 0);
  return { batch_id, file: null, rows: 0, bytes: 0, sha256: null, offsets, watermark_ms: 0 };
}

/** A record of a log; a time of Kafka's own only where it matters: else it is later than all that rows say. */
export type Logged = Buffer | null | { value: Buffer | null; at: string };

const LATER = Date.UTC(2200, 0, 1);

/** Reads a log of one partition. */
export function readAll(set: FeatureSet, chain: Manifest[], log: Logged[], listener: LogListener): ReadLog {
  const reader = new LogReader(set, chain, listener);
  reader.begin([{ partition: 0, low: 0, high: log.length }]);
  log.forEach((record, offset) => {
    const { value, at } = record === null || Buffer.isBuffer(record) ? { value: record, at: LATER } : record;
    reader.record({ partition: 0, offset, timestampMs: new Date(at).getTime(), value });
  });
  return { topic: "shop.public.orders", ...reader.finish() };
}

/** Compares what is in both stores with a log. */
export function verifyStores(
  set: FeatureSet,
  { root, redisUrl }: { root: string; redisUrl: string },
  log: Logged[],
  options: Pick<VerifyOptions, "now" | "sink" | "inStep" | "valuesOnly" | "realtime">,
): Promise<FeatureSetReport> {
  const stores = { offlineRoot: root, redis: { url: redisUrl }, scratch: root };
  return verifyBy(set, { against: "log", ...stores, ...options }, async ({ chain, spool }) =>
    truthOfLog(chain, readAll(set, chain, log, spool)),
  );
}
