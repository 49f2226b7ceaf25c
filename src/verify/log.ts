/** The expectation by the change log: all that Debezium wrote of a table, folded without Spark. */
import { type FeatureSet, topicOf } from "../definition/feature-set.ts";
import { type PartitionRange, readTopic, type TopicReader } from "../platform/kafka.ts";
import type { Manifest } from "../stores/manifests.ts";
import { eventDecoder, type RowChange } from "./debezium.ts";
import type { Expectation } from "./expectation.ts";
import { Fold } from "./fold.ts";

export interface LogExpectation {
  /** As of the end of the log. */
  now: Expectation;
  /** As of the offsets that the job has come to; the same object when that is the end. */
  applied: Expectation;
  /** The first offset of each partition that is still there. */
  lowOffsets: Map<number, number>;
}

/**
 * Reads the topic from its start to its end of this moment.
 *
 * `chain` are the job's batches from the start; without any the log counts as one batch that has been applied.
 */
export async function expectFromLog(
  featureSet: FeatureSet,
  chain: Manifest[],
  { kafka, topicPrefix }: { kafka: string; topicPrefix: string },
): Promise<LogExpectation> {
  const replay = new Replay(featureSet, chain);
  await readTopic({ brokers: kafka, topic: topicOf(featureSet.source, topicPrefix) }, replay);
  const { now, applied } = replay.finish();
  return { now, applied, lowOffsets: replay.lowOffsets };
}

/** Folds records batch by batch as the job took them, in whatever order the partitions come. */
export class Replay implements TopicReader {
  readonly lowOffsets = new Map<number, number>();

  readonly #chain: Manifest[];
  readonly #decode: (value: Buffer | null) => ReturnType<ReturnType<typeof eventDecoder>>;
  readonly #fold: Fold;
  /** The batch being folded; beyond the chain's end lies what is not yet applied. */
  #batch = 0;
  /** Changes of later batches, from partitions that are ahead of the others. */
  readonly #ahead = new Map<number, RowChange[]>();
  readonly #next = new Map<number, number>();
  #applied: Expectation | undefined;

  constructor(featureSet: FeatureSet, chain: Manifest[]) {
    this.#chain = chain;
    this.#decode = eventDecoder(featureSet);
    this.#fold = new Fold(featureSet);
  }

  begin(ranges: PartitionRange[]): void {
    for (const { partition, low } of ranges) {
      this.lowOffsets.set(partition, low);
      this.#next.set(partition, low);
    }
  }

  record(partition: number, offset: number, { value }: { value: Buffer | null }): void {
    this.reached(partition, offset);
    const decoded = this.#decode(value);
    if (decoded.kind !== "change") return;
    const batch = this.#batchOf(partition, offset);
    if (batch <= this.#batch) {
      this.#apply(decoded);
      return;
    }
    const waiting = this.#ahead.get(batch);
    if (waiting === undefined) this.#ahead.set(batch, [decoded]);
    else waiting.push(decoded);
  }

  reached(partition: number, nextOffset: number): void {
    this.#next.set(partition, nextOffset);
    for (let current = this.#current; current !== undefined; current = this.#current) {
      // The cheap half of the question comes with each record.
      if (nextOffset < endOf(current, partition) || !this.#isComplete(current)) return;
      this.#endBatch();
    }
  }

  /** All partitions have been read. */
  finish(): { now: Expectation; applied: Expectation } {
    while (this.#current !== undefined) this.#endBatch();
    this.#fold.endBatch();
    const now = this.#fold.expectation();
    return { now, applied: this.#applied ?? now };
  }

  get #current(): Manifest | undefined {
    return this.#chain[this.#batch];
  }

  #apply(change: RowChange): void {
    const isUnapplied = this.#chain.length > 0 && this.#current === undefined;
    if (isUnapplied) this.#applied ??= this.#fold.expectation();
    this.#fold.apply(change);
  }

  #endBatch(): void {
    this.#fold.endBatch();
    this.#batch += 1;
    const waiting = this.#ahead.get(this.#batch) ?? [];
    this.#ahead.delete(this.#batch);
    for (const change of waiting) this.#apply(change);
  }

  #batchOf(partition: number, offset: number): number {
    let batch = this.#batch;
    while (batch < this.#chain.length && offset >= endOf(this.#chain[batch] as Manifest, partition))
      batch += 1;
    return batch;
  }

  #isComplete(manifest: Manifest): boolean {
    return [...this.#next].every(([partition, next]) => next >= endOf(manifest, partition));
  }
}

/** A partition that the batch does not name had nothing yet. */
function endOf(manifest: Manifest, partition: number): number {
  return manifest.offsets[String(partition)]?.[1] ?? 0;
}
