/** A page of docs whose console blocks are commands with what they print: read, and compared. Pure. */

/** One command of a block, what it prints as the page has it, and where that stands. */
export interface Typed {
  kind: "typed";
  command: string;
  line: number;
  expected: Line[];
  /** The number in `console terminal 2`: it goes on while others are typed, until `^C`. */
  terminal: string | undefined;
  /** `console repeat`: typed again until it prints that. */
  repeats: boolean;
  /** The next line asks for the exit code; else it has to be 0. */
  mayFail: boolean;
}

/** A block such as ```yaml features/loyalty.yaml, which the reader is told to save. */
export interface Saved {
  kind: "saved";
  file: string;
  line: number;
  text: string;
}

export interface Line {
  text: string;
  line: number;
}

export type Step = Typed | Saved;

const BLOCK = /^```(\S+) ?(.*)\n([\s\S]*?)^```$/gm;

export function stepsOf(page: string): Step[] {
  return [...page.matchAll(BLOCK)].flatMap((block): Step[] => {
    const [, language, about = "", body = ""] = block;
    const begin = page.slice(0, block.index).split("\n").length;
    const lines = body
      .split("\n")
      .slice(0, -1)
      .map((text, n) => ({ text, line: begin + 1 + n }));
    if (language === "console") return typedIn(lines, about);
    if (about === "") return [];
    return [{ kind: "saved", file: about, line: begin, text: body }];
  });
}

function typedIn(lines: Line[], about: string): Typed[] {
  const terminal = /^terminal (\d+)$/.exec(about)?.[1];
  const typed: Typed[] = [];
  for (const one of lines) {
    const command = one.text === "^C" ? "^C" : /^\$ (.*)$/.exec(one.text)?.[1];
    if (command === undefined) {
      typed.at(-1)?.expected.push(one);
      continue;
    }
    const before = typed.at(-1);
    if (command === "echo $?" && before !== undefined) before.mayFail = true;
    const repeats = about === "repeat";
    typed.push({
      ...{ kind: "typed", command, line: one.line, expected: [] },
      ...{ terminal, repeats, mayFail: false },
    });
  }
  return typed;
}

/** The first expected line that does not fit the output; undefined where all fits. */
export function firstMismatch(expected: Line[], output: string): Line | undefined {
  const actual = trimmed(output.split("\n"));
  /** Which of the lines of the output may come next. */
  let next = new Set([0]);
  for (const one of expected) {
    const fitting = new Set<number>();
    for (const at of next) {
      if (one.text === "…") for (let i = at; i <= actual.length; i += 1) fitting.add(i);
      else if (at < actual.length && fits(one.text, actual[at] as string)) fitting.add(at + 1);
    }
    if (fitting.size === 0) return one;
    next = fitting;
  }
  if (next.has(actual.length)) return undefined;
  return { text: "(nothing more)", line: (expected.at(-1)?.line ?? 0) + 1 };
}

/** `…` is anything; widths of columns are not compared. */
function fits(expected: string, actual: string): boolean {
  const narrow = (text: string) => text.replace(/\s+/g, " ").trim();
  const parts = narrow(expected)
    .split("…")
    .map((part) => part.trim().replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
  return new RegExp(`^${parts.join(".*")}$`).test(narrow(actual));
}

function trimmed(lines: string[]): string[] {
  const last = lines.findLastIndex((line) => line.trim() !== "");
  return lines.slice(0, last + 1);
}
