/**
 * JSON values grouped by a key, for more of them than fit in memory: a key's values lie in the partition that its hash says,
 * and partitions are read one at a time. What is little never reaches the disk.
 */
import { closeSync, mkdirSync, openSync, readSync, rmSync, writeSync } from "node:fs";
import path from "node:path";

/** Many small ones: the less is in memory at a time, the less the garbage collector has to copy. */
const PARTITIONS = 1024;
const BLOCK_BYTES = 32 * 1024;
/** A character of UTF-16 takes no more in UTF-8. */
const BYTES_PER_CHARACTER = 3;

interface Partition {
  /** Texts of JSON with a comma behind each, outside of JavaScript's memory: there they would be in the collector's way. */
  block: Buffer;
  used: number;
  written: Place[];
}

/** Of a block in the file. */
interface Place {
  at: number;
  bytes: number;
}

/** What another thread needs to read some of the partitions while the spool is there. */
export interface SpoolPart {
  file: number;
  partitions: Place[][];
}

export class Spool {
  readonly #folder: string;
  readonly #partitions = new Map<number, Partition>();
  #file: number | undefined;
  #size = 0;

  /** `folder` is where the file will be, should there be need of one. */
  constructor(folder: string) {
    this.#folder = folder;
  }

  /** Whether some of it is on the disk. */
  get isLarge(): boolean {
    return this.#file !== undefined;
  }

  put(key: string, json: string): void {
    const number = hash(key) % PARTITIONS;
    let partition = this.#partitions.get(number);
    if (partition === undefined) {
      partition = { block: Buffer.allocUnsafe(BLOCK_BYTES), used: 0, written: [] };
      this.#partitions.set(number, partition);
    }
    const most = json.length * BYTES_PER_CHARACTER + 1;
    if (partition.used + most > partition.block.length) {
      this.#write(partition);
      if (most > partition.block.length) partition.block = Buffer.allocUnsafe(most);
    }
    partition.used += partition.block.write(json, partition.used);
    partition.used += partition.block.write(",", partition.used);
  }

  /** All values, partition by partition. */
  *partitions(): Generator<unknown[]> {
    for (const { block, used, written } of this.#partitions.values()) {
      const blocks = written.map((place) => readBlock(this.#file as number, place));
      yield [...blocks, block.subarray(0, used)].flatMap(parse);
    }
  }

  /** All partitions in that many parts, for as many readers. */
  parts(count: number): SpoolPart[] {
    const all = [...this.#partitions.values()];
    for (const partition of all) this.#write(partition);
    return Array.from({ length: count }, (_, part) => ({
      file: this.#file as number,
      partitions: all.filter((_, i) => i % count === part).map(({ written }) => written),
    }));
  }

  [Symbol.dispose](): void {
    if (this.#file !== undefined) closeSync(this.#file);
    this.#file = undefined;
  }

  #write(partition: Partition): void {
    if (partition.used === 0) return;
    this.#file ??= openNameless(this.#folder);
    let done = 0;
    while (done < partition.used) {
      done += writeSync(this.#file, partition.block, done, partition.used - done, this.#size + done);
    }
    partition.written.push({ at: this.#size, bytes: partition.used });
    this.#size += partition.used;
    partition.used = 0;
  }
}

/** The values of a part, partition by partition. */
export function* partitionsOf({ file, partitions }: SpoolPart): Generator<unknown[]> {
  for (const written of partitions) yield written.map((place) => readBlock(file, place)).flatMap(parse);
}

function readBlock(file: number, { at, bytes }: Place): Buffer {
  const block = Buffer.allocUnsafe(bytes);
  let done = 0;
  while (done < bytes) {
    const more = readSync(file, block, done, bytes - done, at + done);
    if (more === 0) throw new Error("the spool file was cut off");
    done += more;
  }
  return block;
}

function parse(block: Buffer): unknown[] {
  return block.length === 0 ? [] : JSON.parse(`[${block.toString("utf8", 0, block.length - 1)}]`);
}

/** A file whose name is gone at once, so that nothing is left behind however the process ends. */
function openNameless(folder: string): number {
  mkdirSync(folder, { recursive: true });
  const file = path.join(folder, `spool-${process.pid}-${Date.now()}`);
  const descriptor = openSync(file, "wx+", 0o600);
  rmSync(file);
  return descriptor;
}

/** FNV-1a. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let i = 0; i < text.length; i += 1) value = Math.imul(value ^ text.charCodeAt(i), 0x01000193);
  return value >>> 0;
}
