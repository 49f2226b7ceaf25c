/** The change log read once: every element handed on, and what holds for all of them remembered. */
import { type FeatureSet, isAsOfNow, topicOf } from "../definition/feature-set.ts";
import type { KafkaConnection } from "../platform/connections.ts";
import { msOfMicros } from "../platform/instants.ts";
import { type PartitionRange, readTopic, type TopicReader, type TopicRecord } from "../platform/kafka.ts";
import type { Manifest } from "../stores/manifests.ts";
import { type Decoded, eventDecoder, type RowChange } from "./debezium.ts";
import { type Element, elementsOf, type Position } from "./elements.ts";
import { latenessAllowedMs, type Truncated } from "./history.ts";

export interface ReadLog {
  topic: string;
  /** By number of a batch, the watermark that it was judged by; the last one is that of a batch to come. */
  watermarks: number[];
  truncates: Truncated[];
  /** The first offset of each partition that is still there. */
  lowOffsets: Map<number, number>;
}

export interface LogListener {
  element(entity: string, element: Element): void;
  /** Every record as it was read, before its elements are handed on. */
  record?(decoded: Decoded, record: TopicRecord, position: Position): void;
}

/**
 * Reads the topic from its start to its end of this moment.
 *
 * `chain` are the job's batches from the start; what lies behind them is one more batch, which is not applied yet. Without
 * any the log counts as one batch that has been applied.
 */
export async function readLog(
  featureSet: FeatureSet,
  chain: Manifest[],
  { kafka, topicPrefix }: { kafka: KafkaConnection; topicPrefix: string },
  listener: LogListener,
): Promise<ReadLog> {
  const reader = new LogReader(featureSet, chain, listener);
  const topic = topicOf(featureSet.source, topicPrefix);
  await readTopic({ kafka, topic }, reader);
  return { topic, ...reader.finish() };
}

export class LogReader implements TopicReader {
  readonly #decode: (record: TopicRecord) => Decoded;
  readonly #listener: LogListener;
  readonly #onElement: LogListener["element"];
  readonly #chain: Manifest[];
  readonly #allowedMs: number;
  readonly #lowOffsets = new Map<number, number>();
  readonly #truncates: Truncated[] = [];
  /** The batch that each partition has been read up to. */
  readonly #batches = new Map<number, number>();
  /** The latest time that each batch's records tell, in ms. */
  readonly #clocks: number[];

  constructor(featureSet: FeatureSet, chain: Manifest[], listener: LogListener) {
    this.#decode = eventDecoder(featureSet);
    this.#listener = listener;
    this.#onElement = (entity, element) => listener.element(entity, element);
    this.#chain = chain;
    this.#allowedMs = isAsOfNow(featureSet) ? 0 : latenessAllowedMs(featureSet);
    this.#clocks = Array(chain.length + 1).fill(Number.NEGATIVE_INFINITY);
  }

  begin(ranges: PartitionRange[]): void {
    for (const { partition, low } of ranges) this.#lowOffsets.set(partition, low);
  }

  record(record: TopicRecord): void {
    const decoded = this.#decode(record);
    const { partition, offset } = record;
    const position = { partition, offset, batch: this.#batchOf(partition, offset) };
    this.#listener.record?.(decoded, record, position);
    if (decoded.kind === "truncate") this.#truncates.push({ ...decoded.version, ...position });
    if (decoded.kind !== "change") return;
    this.#observe(decoded, record, position);
    elementsOf(decoded, position, this.#onElement);
  }

  /** All records have been handed out. */
  finish(): Omit<ReadLog, "topic"> {
    let clock = Number.NEGATIVE_INFINITY;
    // Spark's watermark begins at 1970.
    const watermarks = [0];
    for (const batchClock of this.#clocks) {
      clock = Math.max(clock, batchClock);
      watermarks.push(Math.max(0, clock - this.#allowedMs));
    }
    return { watermarks, truncates: this.#truncates, lowOffsets: this.#lowOffsets };
  }

  #batchOf(partition: number, offset: number): number {
    let batch = this.#batches.get(partition) ?? 0;
    while (batch < this.#chain.length && offset >= endOf(this.#chain[batch] as Manifest, partition))
      batch += 1;
    this.#batches.set(partition, batch);
    return batch;
  }

  /**
   * Where a row was counts too when it left, since the job's record of its leaving carries that time. Rows of a snapshot
   * come in the table's order, and a clock years ahead drags nothing along.
   */
  #observe({ op, after, before }: RowChange, { timestampMs }: TopicRecord, { batch }: Position): void {
    if (op === "r") return;
    for (const place of [after, before]) {
      if (place === null) continue;
      const clock = Math.min(msOfMicros(place.eventTime), timestampMs);
      if (clock > (this.#clocks[batch] as number)) this.#clocks[batch] = clock;
    }
  }
}

/** A partition that the batch does not name had nothing yet. */
function endOf(manifest: Manifest, partition: number): number {
  return manifest.offsets[String(partition)]?.[1] ?? 0;
}
