import { expect, test } from "vitest";
import {
  Call,
  inline,
  LINE_WIDTH,
  layOut,
  layOutImport,
  Name,
  wrapWords,
} from "../../../src/render/python-layout.ts";

const long = (length: number) => "x".repeat(length);

test("a call stays on its line while it fits with its comma", () => {
  const call = new Call("Column", [long(95), "bigint"]);
  expect(layOut(call, 4)).toBe(`Column("${long(95)}", "bigint")`);
  expect(4 + layOut(call, 4).length + 1).toBe(LINE_WIDTH);
});

test("else each argument has a line, down to the calls within, and a null keyword is left out", () => {
  expect(layOut(new Call("Column", [long(96), "bigint"], { unit: null }), 4)).toBe(
    ["Column(", `        "${long(96)}",`, '        "bigint",', "    )"].join("\n"),
  );
  const inner = new Call("add", [new Call("feature", [long(60)]), new Call("feature", [long(60)])]);
  expect(layOut(new Call("Derived", ["a", inner], { digits: 2 }), 0)).toBe(
    [
      "Derived(",
      '    "a",',
      "    add(",
      `        feature("${long(60)}"),`,
      `        feature("${long(60)}"),`,
      "    ),",
      "    digits=2,",
      ")",
    ].join("\n"),
  );
});

test("lists are laid out as calls are, and names stand as they are", () => {
  const list = ["a", new Call("f", [new Name("SET")]), [1, true]];
  expect(layOut(list, 4)).toBe('["a", f(SET), [1, True]]');
  expect(layOut([long(60), [long(60)]], 4, 16)).toBe(
    ["[", `        "${long(60)}",`, `        ["${long(60)}"],`, "    ]"].join("\n"),
  );
  expect(layOut([], 4, 200)).toBe("[]");
  expect(inline([long(100), new Call("f", [long(100)])])).toBe(`["${long(100)}", f("${long(100)}")]`);
});

test("imports: classes first, each on its line when they are many", () => {
  expect(layOutImport("m", ["feature", "Source", "Column", "divide"])).toBe(
    "from m import Column, Source, divide, feature",
  );
  expect(layOutImport(long(110), ["b", "Aa", "a"])).toBe(
    `from ${long(110)} import (\n    Aa,\n    a,\n    b,\n)`,
  );
});

test("words are wrapped, and room is left for what comes after", () => {
  expect(wrapWords("  one\n two ", 0, 0)).toBe("one two");
  expect(wrapWords(`${long(80)} ${long(39)}`, 4, 0)).toBe(`${long(80)} ${long(39)}`);
  expect(wrapWords(`${long(80)} ${long(39)}`, 4, 0, 1)).toBe(`${long(80)}\n    ${long(39)}`);
});
