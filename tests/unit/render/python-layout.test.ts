import { expect, test } from "vitest";
import { Call, layOut, layOutImport, wrapWords } from "../../../src/render/python-layout.ts";

const long = (length: number) => "x".repeat(length);

test("a call stays on its line while it fits with its comma", () => {
  const call = new Call("Column", [long(75), "bigint"]);
  expect(layOut(call, 4)).toBe(`Column("${long(75)}", "bigint")`);
  expect(4 + layOut(call, 4).length + 1).toBe(100);
});

test("else each argument has a line, down to the calls within, and a null keyword is left out", () => {
  expect(layOut(new Call("Column", [long(76), "bigint"], { unit: null }), 4)).toBe(
    ["Column(", `        "${long(76)}",`, '        "bigint",', "    )"].join("\n"),
  );
  const inner = new Call("add", [new Call("feature", [long(50)]), new Call("feature", [long(50)])]);
  expect(layOut(new Call("Derived", ["a", inner], { digits: 2 }), 0)).toBe(
    [
      "Derived(",
      '    "a",',
      "    add(",
      `        feature("${long(50)}"),`,
      `        feature("${long(50)}"),`,
      "    ),",
      "    digits=2,",
      ")",
    ].join("\n"),
  );
});

test("imports: classes first, each on its line when they are many", () => {
  expect(layOutImport("m", ["feature", "Source", "Column", "divide"])).toBe(
    "from m import Column, Source, divide, feature",
  );
  expect(layOutImport(long(90), ["b", "Aa", "a"])).toBe(
    `from ${long(90)} import (\n    Aa,\n    a,\n    b,\n)`,
  );
});

test("words are wrapped, and room is left for what comes after", () => {
  expect(wrapWords("  one\n two ", 0, 0)).toBe("one two");
  expect(wrapWords(`${long(60)} ${long(39)}`, 4, 0)).toBe(`${long(60)} ${long(39)}`);
  expect(wrapWords(`${long(60)} ${long(39)}`, 4, 0, 1)).toBe(`${long(60)}\n    ${long(39)}`);
});
