import { expect, it } from "vitest";
import { formatTable } from "../../../src/cli/report/table.ts";

it("keeps colours, and nothing else that a value would tell the terminal", () => {
  const green = "\u001b[32mok\u001b[39m";
  expect(formatTable(["value", "is"], [["a\nb\tc\u0007\u001b]0;title\u001b\\", green]])).toBe(
    `value                               is\na\\nb\\tc\\u0007\\u001b]0;title\\u001b\\  ${green}`,
  );
  expect(formatTable(["x"], [["\u001b[8mhidden\u001b[39m"]])).toBe("x\n\\u001b[8mhidden\\u001b[39m");
  expect(formatTable(["x"], [["\u001b[2mdim\u001b[22m"]])).toBe("x\n\u001b[2mdim\u001b[22m");
  expect(formatTable(["x"], [["\u001b[8mhidden\u202e"]])).toBe("x\n\\u001b[8mhidden\\u202e");
});
