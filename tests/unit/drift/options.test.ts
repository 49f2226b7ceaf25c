/** `--current` and `--reference`, and what a command line says to wrong ones. */
import { afterEach, describe, expect, it, vi } from "vitest";
import { periodOption } from "../../../src/cli/period-option.ts";
import { UsageError } from "../../../src/errors.ts";
import { call } from "../cli/support.ts";
import { period } from "./store.ts";

afterEach(() => vi.unstubAllEnvs());

describe("a period on the command line", () => {
  const read = periodOption("current");

  it("is two dates or times, in UTC", () => {
    expect(read("2026-11-01..2026-11-08")).toEqual(period("2026-11-01T00:00:00Z", "2026-11-08T00:00:00Z"));
    expect(read("2026-11-01T06:00:00.5Z..2026-11-02")).toEqual(
      period("2026-11-01T06:00:00.500000Z", "2026-11-02T00:00:00Z"),
    );
    expect(read("2026-11-01T06:00+02:00..2026-11-02")).toEqual(
      period("2026-11-01T04:00:00Z", "2026-11-02T00:00:00Z"),
    );
  });

  it.each([
    ["2026-11-01", '--current: "2026-11-01" is not FROM..TO'],
    ["2026-11-01..2026-11-02..2026-11-03", "is not FROM..TO"],
    ["2026-11-31..2026-12-02", '--current: FROM, "2026-11-31", is neither a date nor a time'],
    ["2026-11-01..", '--current: TO, "", is neither a date nor a time'],
    [
      "2026-11-01..2026-11-02T06:00:00",
      'TO, "2026-11-02T06:00:00", is neither a date nor a time with its zone',
    ],
    ["2026-11-08..2026-11-01", "does not end after it begins"],
    ["2026-11-01..2026-11-01", "does not end after it begins"],
  ])("is refused: %s", (text, message) => {
    expect(() => read(text)).toThrow(UsageError);
    expect(() => read(text)).toThrow(message);
  });

  it("that is refused ends with 2 and an example, from the environment, too", async () => {
    const { exitCode, stderr } = await call(process.cwd(), "drift", "customer", "--reference", "yesterday");
    expect(exitCode).toBe(2);
    expect(stderr).toMatch(/error: --reference: "yesterday" is not FROM\.\.TO\n.*--reference 2026-11-01\.\./);
    vi.stubEnv("CDC_FEATURES_CURRENT", "today");
    expect(await call(process.cwd(), "drift", "customer")).toMatchObject({
      exitCode: 2,
      stderr: expect.stringMatching(/--current: "today" is not FROM\.\.TO\n.*CDC_FEATURES_CURRENT/),
    });
  });
});

it("--windows finished is refused for a set as of now", async () => {
  const call360 = await call(
    process.cwd(),
    "drift",
    "features/examples/customer_360.yaml",
    "--windows",
    "finished",
  );
  expect(call360).toMatchObject({
    exitCode: 2,
    stderr: expect.stringContaining("rows of customer_360 are as of now, and have no end"),
  });
});
