/** What was read of the features topic and is not written yet: of each window the newest. */
import { type BatchStart, type FeatureMessage, parseMessage, versionOf } from "./message.ts";

export interface TopicMessage {
  offset: number;
  value: Buffer | null;
}

/** One window of an entity. */
interface Change {
  version: string;
  payload: string;
}

/** One call of the script. */
export interface EntityChanges {
  /** Of the features hash. */
  key: string;
  expired: number;
  windows: Map<string, Change>;
}

/** Changes that are written together. */
export interface Gathered {
  entities: Map<string, EntityChanges>;
  /** Source times (ms since 1970) of the messages in it, also of those that a newer one made needless. */
  sourceMs: number[];
  /** By partition, the offset behind the last message in it. */
  offsets: Map<number, number>;
}

interface Waiting {
  offset: number;
  /** Undefined for one that is nobody's. */
  message: FeatureMessage | undefined;
}

export class Changes {
  readonly #starts = new Map<number, BatchStart>();
  #newest: BatchStart | undefined;
  /** The job publishes nothing, and may begin again under another name. */
  #isPaused = false;
  /** By partition, messages of a batch that the job has not told of yet, and all behind them. */
  readonly #waiting = new Map<number, Waiting[]>();
  #gathered = nothing();

  /** The messages of this batch may be written now. */
  begin(start: BatchStart): void {
    if (this.#newest?.run !== start.run) this.#starts.clear();
    this.#starts.set(start.batch, start);
    this.#newest = start;
    this.#isPaused = false;
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const [partition, messages] of waiting) this.#admit(partition, messages);
  }

  /** The job goes on in micro-batches. */
  pause(): void {
    this.#isPaused = true;
  }

  /** Messages of one partition, in its order. */
  add(partition: number, messages: TopicMessage[]): void {
    const read = messages.map(({ offset, value }) => ({ offset, message: parseMessage(value) }));
    const waiting = this.#waiting.get(partition);
    if (waiting !== undefined) waiting.push(...read);
    else this.#admit(partition, read);
  }

  get size(): number {
    const waiting = [...this.#waiting.values()].reduce((sum, { length }) => sum + length, 0);
    return waiting + this.#gathered.entities.size;
  }

  /** What there is to write or to commit, which is then the caller's; undefined for nothing. */
  take(): Gathered | undefined {
    if (this.#gathered.offsets.size === 0) return undefined;
    const taken = this.#gathered;
    this.#gathered = nothing();
    return taken;
  }

  /** What was taken and could not be written. */
  putBack(taken: Gathered): void {
    const since = this.#gathered;
    this.#gathered = taken;
    for (const { key, expired, windows } of since.entities.values())
      for (const [window, change] of windows) this.#gather(key, window, change, expired);
    taken.sourceMs.push(...since.sourceMs);
    for (const [partition, offset] of since.offsets) taken.offsets.set(partition, offset);
  }

  #admit(partition: number, messages: Waiting[]): void {
    for (const [i, { offset, message }] of messages.entries()) {
      if (message !== undefined && this.#isAhead(message)) {
        this.#waiting.set(partition, messages.slice(i));
        return;
      }
      const start = message && this.#startOf(message);
      if (message !== undefined && message.key !== null && start !== undefined) {
        const change = { version: versionOf(start, message), payload: message.payload };
        this.#gather(message.key, message.window, change, start.expired);
        if (message.source_ms != null) this.#gathered.sourceMs.push(message.source_ms);
      }
      this.#gathered.offsets.set(partition, offset + 1);
    }
  }

  /** The job tells of a batch on one way, and its messages come on another. */
  #isAhead({ run, batch }: FeatureMessage): boolean {
    if (this.#newest === undefined) return false;
    return run === this.#newest.run ? batch > this.#newest.batch : this.#isPaused;
  }

  /** Undefined for messages of an earlier run: the micro-batches in between have made all of them good. */
  #startOf({ run, batch }: FeatureMessage): BatchStart | undefined {
    return run === this.#newest?.run ? this.#starts.get(batch) : undefined;
  }

  #gather(key: string, window: string, change: Change, expired: number): void {
    const { entities } = this.#gathered;
    const entity = entities.get(key) ?? { key, expired, windows: new Map() };
    entities.set(key, entity);
    entity.expired = Math.max(entity.expired, expired);
    const before = entity.windows.get(window);
    // A later message of one version replaces the earlier one, as the script does.
    if (before === undefined || before.version <= change.version) entity.windows.set(window, change);
  }
}

function nothing(): Gathered {
  return { entities: new Map(), sourceMs: [], offsets: new Map() };
}
