/** Keeps a set's measures in a file while it is being run, for whoever watches it from another process. */
import { readIfExists, writeFileAtomic } from "../platform/files.ts";
import { type About, type Measures, noMeasures, parseMeasures } from "./measures.ts";

const WRITE_MS = 500;

export class Recorder {
  readonly #file: string;
  #measures: Measures;
  #timer: NodeJS.Timeout | undefined;
  #writing: Promise<void> = Promise.resolve();

  private constructor(file: string, measures: Measures) {
    this.#file = file;
    this.#measures = measures;
  }

  /** Goes on from what is in the file; one that cannot be read is begun anew. */
  static async open(file: string, about: About): Promise<Recorder> {
    const known = await readMeasures(file);
    return new Recorder(file, { ...(known ?? noMeasures(about)), ...about });
  }

  /** The file follows within half a second. A run does not depend on it: what cannot be written is left out. */
  change(next: (before: Measures) => Measures): void {
    this.#measures = next(this.#measures);
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      void this.#write();
    }, WRITE_MS);
  }

  async close(): Promise<void> {
    clearTimeout(this.#timer);
    await this.#write();
  }

  #write(): Promise<void> {
    this.#writing = this.#writing
      .then(() => writeFileAtomic(this.#file, JSON.stringify(this.#measures)))
      .catch(() => {});
    return this.#writing;
  }
}

/** Undefined where there are none. */
export async function readMeasures(file: string): Promise<Measures | undefined> {
  const text = await readIfExists(file);
  return text === undefined ? undefined : parseMeasures(text);
}
