/** All that log and stores say of each entity, gathered entity by entity however much of it there is. */
import type { FeatureSet } from "../definition/feature-set.ts";
import { Spool, type SpoolPart } from "../platform/spool.ts";
import type { HeldRow, OfflineRow } from "../stores/offline.ts";
import { hashOf, type OnlineEntry, type OnlineHash } from "../stores/online.ts";
import { Companion, type Stored, type StoredRow } from "./compare.ts";
import { type Element, ElementFormat } from "./elements.ts";

export interface Gathered extends Stored {
  elements: Element[];
}

const ELEMENT = 0;
const HASH = 1;
const ROW = 2;
const BEFORE = 3;
const HELD = 4;

export class EntitySpool {
  readonly #spool: Spool;
  readonly #format: ElementFormat;
  readonly #gatherer: Gatherer;

  /** `scratch` is a folder for what does not fit in memory. */
  constructor(featureSet: FeatureSet, scratch: string) {
    this.#spool = new Spool(scratch);
    this.#format = new ElementFormat(featureSet);
    this.#gatherer = new Gatherer(featureSet);
  }

  /** Whether it is worth several threads. */
  get isLarge(): boolean {
    return this.#spool.isLarge;
  }

  element(entity: string, element: Element): void {
    const written = [ELEMENT, entity];
    this.#format.write(written, element);
    this.#put(entity, written);
  }

  hash({ entity, part, hash }: OnlineEntry): void {
    if ("problem" in hash) {
      this.#put(entity, [HASH, entity, part, hash.problem]);
      return;
    }
    const written = JSON.stringify([HASH, entity, part, null, hash.expires]);
    this.#spool.put(entity, `${written.slice(0, -1)},${hash.json}]`);
  }

  row(row: OfflineRow): void {
    this.#putRow(ROW, row, "null");
  }

  /** The row before the newest one of its slot. */
  before(row: OfflineRow): void {
    this.#putRow(BEFORE, row, "null");
  }

  held(row: HeldRow): void {
    this.#putRow(HELD, row, row.rules);
  }

  entities(): Generator<Gathered> {
    return this.#gatherer.entities(this.#spool.partitions());
  }

  /** For as many threads, each with a `Gatherer`. */
  parts(count: number): SpoolPart[] {
    return this.#spool.parts(count);
  }

  [Symbol.dispose](): void {
    this.#spool[Symbol.dispose]();
  }

  #putRow(kind: number, row: OfflineRow, rules: string): void {
    const times = [row.windowStart, row.windowEnd, row.eventTimestamp, row.createdTimestamp, row.batchId];
    const written = JSON.stringify([kind, row.entity, row.slot, times.map(textOrNull), row.isDeleted]);
    this.#spool.put(row.entity ?? "", `${written.slice(0, -1)},${row.features},${rules}]`);
  }

  #put(entity: string | null, content: unknown[]): void {
    this.#spool.put(entity ?? "", JSON.stringify(content));
  }
}

/** Puts together again what a spool holds in pieces. */
export class Gatherer {
  readonly #format: ElementFormat;
  readonly #features: string[];

  constructor(featureSet: FeatureSet) {
    this.#format = new ElementFormat(featureSet);
    this.#features = featureSet.features.map(({ name }) => name);
  }

  *entities(partitions: Iterable<unknown[]>): Generator<Gathered> {
    for (const all of partitions) {
      const entities = new Map<string | null, Gathered>();
      // biome-ignore lint/suspicious/noExplicitAny: as a spool wrote it
      for (const one of all as any[]) {
        const [kind, entity] = one;
        const known = entities.get(entity);
        const gathered = known ?? emptyOf(entity);
        if (known === undefined) entities.set(entity, gathered);
        if (kind === ELEMENT) gathered.elements.push(this.#format.read(one, 2));
        else if (kind === HASH) {
          const [, , part, problem, expires, flat] = one;
          takeHash(gathered, part, problem === null ? hashOf(flat, expires) : { problem });
        } else if (kind === HELD) {
          this.#keepNewest(gathered.held, { ...this.#rowOf(one), rules: one.at(-1) });
        } else this.#keepNewest(kind === ROW ? gathered.rows : gathered.before, this.#rowOf(one));
      }
      yield* entities.values();
    }
  }

  /** By batch, then by time: ageing and a backfill may come later in the same. */
  #keepNewest<R extends StoredRow>(rows: R[], row: Omit<R, "copies">): void {
    const at = rows.findIndex(({ slot }) => slot === row.slot);
    const known = rows[at];
    if (known === undefined) {
      rows.push({ ...row, copies: 1 } as R);
      return;
    }
    const order = compare(row.batchId, known.batchId);
    const age = compare(row.createdTimestamp, known.createdTimestamp);
    if (order === 0 && age === 0) known.copies += 1;
    else if (order > 0 || (order === 0 && age > 0)) rows[at] = { ...row, copies: 1 } as R;
  }

  // biome-ignore lint/suspicious/noExplicitAny: as `row` wrote it
  #rowOf([_, entity, slot, times, isDeleted, values]: any[]): Omit<StoredRow, "copies"> {
    const [windowStart, windowEnd, eventTimestamp, createdTimestamp, batchId] = times.map(bigintOrNull);
    const features = new Map<string, string | null>(this.#features.map((name, i) => [name, values[i]]));
    return {
      entity,
      slot,
      windowStart,
      windowEnd,
      eventTimestamp,
      createdTimestamp,
      batchId,
      isDeleted,
      features,
    };
  }
}

function emptyOf(entity: string | null): Gathered {
  return { entity, elements: [], features: undefined, companion: undefined, rows: [], before: [], held: [] };
}

function takeHash(gathered: Gathered, part: OnlineEntry["part"], hash: OnlineHash): void {
  if (part === "features") gathered.features = hash;
  else gathered.companion = new Companion(hash);
}

function textOrNull(value: bigint | null): string | null {
  return value === null ? null : value.toString();
}

function bigintOrNull(text: string | null): bigint | null {
  return text === null ? null : BigInt(text);
}

/** Null comes before all. */
function compare(a: bigint | null, b: bigint | null): number {
  if (a === b) return 0;
  return b === null || (a !== null && a > b) ? 1 : -1;
}
