import fc from "fast-check";
import { expect, test } from "vitest";
import { docstringText, pythonLiteral } from "../../../src/render/python-literal.ts";
import { python } from "./python.ts";

const NASTY = [
  "",
  '"',
  "'",
  '"""',
  "'''",
  "\\",
  '\\"',
  "\\N{DASH}",
  "\n",
  "\r\n",
  "\t",
  "\0",
  "\x7f",
  "\u00a0",
  "\u2028",
  "\u202e",
  "é",
  "日本",
  "😀",
  "\ud800",
  "\udc00a",
  "{{x}}",
  "%s",
  "{x}",
];

const anyText = fc.oneof(
  fc.string({ unit: "binary" }),
  fc.array(fc.constantFrom(...NASTY)).map((parts) => parts.join("")),
);
const sample = <T>(arbitrary: fc.Arbitrary<T>) => fc.sample(arbitrary, { numRuns: 500, seed: 3 });

test("Python reads every text back as it was", () => {
  const texts = [...NASTY, ...sample(anyText)];
  const read = python(
    "import ast\nresult = [ast.literal_eval(source) for source in value]",
    texts.map(pythonLiteral),
  );
  expect(read).toEqual(texts);
});

test("Python reads a docstring back as it was", () => {
  const texts = [...NASTY, ...sample(anyText)];
  const sources = texts.map((text) => `"""${docstringText(text)}"""`);
  expect(python("import ast\nresult = [ast.literal_eval(source) for source in value]", sources)).toEqual(
    texts,
  );
});

test("a literal stands on one line and hides no character", () => {
  for (const text of sample(anyText)) expect(pythonLiteral(text)).toMatch(/^(?:(?! )[^\p{C}\p{Z}]| )+$/u);
});

test.each([
  ["plain", '"plain"'],
  ['say "hi"', `'say "hi"'`],
  [`"it's"`, `'"it\\'s"'`],
  ["it's", `"it's"`],
  [2, "2"],
  [-7, "-7"],
  [true, "True"],
  [false, "False"],
  [null, "None"],
])("%o is %s", (value, source) => {
  expect(pythonLiteral(value)).toBe(source);
});

test("a fraction is refused: it would go through binary", () => {
  expect(() => pythonLiteral(0.1)).toThrow("0.1 has no exact Python literal");
  expect(() => pythonLiteral(2 ** 53)).toThrow(TypeError);
});
