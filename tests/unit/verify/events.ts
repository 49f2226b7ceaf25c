/** Debezium events of the orders table, as short as a test can read them, and a log of them. */
import type { FeatureSet } from "../../../src/definition/feature-set.ts";
import { type Manifest, manifestsOf } from "../../../src/stores/manifests.ts";
import { readOfflineStore } from "../../../src/stores/offline.ts";
import { scanOnlineStore } from "../../../src/stores/online.ts";
import { beginsOf, chainOf } from "../../../src/verify/batches.ts";
import type { Comparing } from "../../../src/verify/compare-entities.ts";
import type { Element } from "../../../src/verify/elements.ts";
import { EntitySpool } from "../../../src/verify/entity-spool.ts";
import { type LogListener, LogReader, type ReadLog } from "../../../src/verify/log.ts";
import { truthOfLog } from "../../../src/verify/truth.ts";
import { compareAll, type FeatureSetReport, readValidation } from "../../../src/verify/verify.ts";

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
export async function verifyStores(
  set: FeatureSet,
  { root, redisUrl }: { root: string; redisUrl: string },
  log: Logged[],
  {
    now,
    sink = "dual",
    inStep = true,
    realtime = false,
    valuesOnly = false,
  }: Pick<Comparing, "now"> &
    Partial<Pick<Comparing, "sink" | "inStep" | "valuesOnly"> & { realtime: boolean }>,
): Promise<FeatureSetReport> {
  using spool = new EntitySpool(set, root);
  const offline = await readOfflineStore(set, { offlineRoot: root, scratch: root }, (row) => spool.row(row));
  await scanOnlineStore(set, { url: redisUrl }, (entry) => spool.hash(entry));
  const read = await readValidation(set, offline, { offlineRoot: root, scratch: root, spool });
  const manifests = manifestsOf(offline.manifests);
  const chain = valuesOnly ? [] : chainOf(manifests);
  const validation = read && {
    batches: chain.map(({ batch_id }) => batch_id),
    references: read.references,
    knowsBatches: true,
  };
  const begins = realtime ? beginsOf(manifests) : undefined;
  const truth = truthOfLog(chain, readAll(set, chain, log, spool));
  const comparing = { featureSet: set, truth, now, sink, inStep, begins, validation, valuesOnly };
  const report = compareAll(comparing, spool.entities(), offline);
  return { ...report, differences: [...report.differences, ...(read?.differences ?? [])] };
}
