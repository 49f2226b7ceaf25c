/** How long work tells of itself. The command line decides what it looks like. */
export interface Progress {
  /** Runs `work` as a named step; a step that throws is shown as failed. Steps may run side by side. */
  step<T>(label: string, work: (step: Step) => Promise<T>): Promise<T>;
  /** A line for the reader, outside any step. */
  note(text: string): void;
}

export interface Step {
  /** What is going on right now, replacing what was said before: "212 of 434 MiB". */
  update(detail: string): void;
}

/** For callers with nobody watching. */
export const silent: Progress = {
  step: (_label, work) => work({ update: () => {} }),
  note: () => {},
};

export function mebibytes(bytes: number): string {
  return `${(bytes / 1024 / 1024).toFixed(0)} MiB`;
}
