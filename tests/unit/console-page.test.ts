/** How pages of docs are read that e2e tests run line by line. */
import { describe, expect, test } from "vitest";
import { firstMismatch, stepsOf } from "../e2e/support/console-page.ts";

const PAGE = `# A page

\`\`\`sh
not run
\`\`\`

\`\`\`yaml features/a.yaml
name: a
\`\`\`

\`\`\`console
$ first
one
$ second
two
…
$ echo $?
1
\`\`\`

\`\`\`console terminal 2
^C
\`\`\`
`;

test("commands, what they print, files to save, with their lines", () => {
  const steps = stepsOf(PAGE);
  expect(steps.map((step) => (step.kind === "saved" ? step.file : step.command))).toEqual([
    "features/a.yaml",
    "first",
    "second",
    "echo $?",
    "^C",
  ]);
  expect(steps[0]).toMatchObject({ text: "name: a\n", line: 7 });
  expect(steps[1]).toMatchObject({ line: 12, expected: [{ text: "one", line: 13 }], mayFail: false });
  expect(steps[2]).toMatchObject({ line: 14, mayFail: true });
  expect(steps[4]).toMatchObject({ terminal: "2" });
});

describe("what a command printed", () => {
  const lines = (text: string) => text.split("\n").map((line, i) => ({ text: line, line: i + 1 }));
  const mismatch = (expected: string, output: string) => firstMismatch(lines(expected), output)?.line;

  test("fits where … stands for what differs", () => {
    expect(mismatch("a  … c\n…\nend", "a b c\n1\n2\nend\n\n")).toBeUndefined();
    expect(mismatch("…\nend", "end")).toBeUndefined();
    expect(mismatch("x   y", "x y")).toBeUndefined();
    expect(mismatch("(1 + 1)?", "(1 + 1)?")).toBeUndefined();
  });

  test("else the first line that does not fit is named", () => {
    expect(mismatch("a\nb\nc", "a\nx\nc")).toBe(2);
    expect(mismatch("…\nend", "begin")).toBe(2);
    expect(mismatch("a", "a\nb")).toBe(2);
    expect(mismatch("a.c", "abc")).toBe(1);
  });
});
