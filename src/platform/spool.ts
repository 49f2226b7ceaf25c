/**
 * Lines of text, grouped by a key, for more of them than fit in memory: a key's lines lie in the partition that its hash
 * says, and partitions are read one at a time. What is little never reaches the disk.
 */
import { closeSync, mkdirSync, openSync, readSync, rmSync, writeSync } from "node:fs";
import path from "node:path";

/** Enough that one of a hundred million lines' partitions fits in memory. */
const PARTITIONS = 256;
const BLOCK_CHARACTERS = 128 * 1024;

interface Partition {
  lines: string[];
  characters: number;
  /** Places in the file of what was written already. */
  blocks: { at: number; bytes: number }[];
}

export class Spool {
  readonly #folder: string;
  readonly #partitions: Partition[] = Array.from({ length: PARTITIONS }, () => ({
    lines: [],
    characters: 0,
    blocks: [],
  }));
  #file: number | undefined;
  #size = 0;

  /** `folder` is where the file will be, should there be need of one. */
  constructor(folder: string) {
    this.#folder = folder;
  }

  /** `line` holds no line end. */
  put(key: string, line: string): void {
    const partition = this.#partitions[hash(key) % PARTITIONS] as Partition;
    partition.lines.push(line);
    partition.characters += line.length;
    if (partition.characters >= BLOCK_CHARACTERS) this.#write(partition);
  }

  /** All lines, partition by partition. */
  *partitions(): Generator<string[]> {
    for (const { lines, blocks } of this.#partitions) {
      if (lines.length > 0 || blocks.length > 0)
        yield [...blocks.flatMap((block) => this.#read(block)), ...lines];
    }
  }

  [Symbol.dispose](): void {
    if (this.#file !== undefined) closeSync(this.#file);
    this.#file = undefined;
  }

  #write(partition: Partition): void {
    this.#file ??= openNameless(this.#folder);
    const block = Buffer.from(partition.lines.join("\n"), "utf8");
    let written = 0;
    while (written < block.length) {
      written += writeSync(this.#file, block, written, block.length - written, this.#size + written);
    }
    partition.blocks.push({ at: this.#size, bytes: block.length });
    partition.lines = [];
    partition.characters = 0;
    this.#size += block.length;
  }

  #read({ at, bytes }: { at: number; bytes: number }): string[] {
    const block = Buffer.allocUnsafe(bytes);
    let read = 0;
    while (read < bytes) {
      const more = readSync(this.#file as number, block, read, bytes - read, at + read);
      if (more === 0) throw new Error(`the spool file in ${this.#folder} was cut off`);
      read += more;
    }
    return block.toString("utf8").split("\n");
  }
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
