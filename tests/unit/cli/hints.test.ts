/** What an error advises is meant for the target of its command. */
import { Chalk } from "chalk";
import { describe, expect, it } from "vitest";
import { reportError } from "../../../src/cli/report/error.ts";
import { UP_STARTS_SERVERS } from "../../../src/cli/report/outside-error.ts";
import { EnvironmentError } from "../../../src/errors.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";
import { call } from "./support.ts";

function hintFor(target: { target: string; profile?: string } | undefined, hint: string): string {
  const said: string[] = [];
  const paint = new Chalk({ level: 0 });
  const terminal = {
    paint,
    paintOut: paint,
    isTerminal: false,
    columns: 80,
    say: (text: string) => said.push(text),
    print: () => {},
  };
  expect(reportError(new EnvironmentError("x", { hint }), terminal, target)).toBe(3);
  return said[1] ?? "";
}

describe("a hint", () => {
  it.each([
    [undefined, "`cdc-features up`.", "`cdc-features up`."],
    [{ target: "embedded" }, "`cdc-features up`.", "`cdc-features up`."],
    [
      { target: "compose" },
      "`cdc-features up --new-ports`.",
      "`cdc-features up --new-ports --target compose`.",
    ],
    [{ target: "compose" }, "`cdc-features logs kafka`.", "`cdc-features logs kafka --target compose`."],
    [{ target: "compose" }, "`cdc-features init` and `kill 3`", "`cdc-features init` and `kill 3`"],
    [
      { target: "external", profile: "p.yaml" },
      "See `cdc-features status` and `cdc-features logs kafka`.",
      "See `cdc-features status --target external --profile p.yaml` and the log of kafka.",
    ],
    [
      { target: "external", profile: "my profile.yaml" },
      `See \`cdc-features status\`${UP_STARTS_SERVERS}.`,
      "See `cdc-features status --target external --profile 'my profile.yaml'`.",
    ],
  ])("for %j: %s", (target, hint, expected) => {
    expect(hintFor(target, hint)).toBe(expected);
  });

  it("of a command is for the command's target", async () => {
    const { exitCode, stderr } = await call(temporaryFolder(), "get", "customer", "1", "--target", "compose");
    expect(exitCode).toBe(3);
    expect(stderr).toContain("`cdc-features up --target compose`");
  });
});

describe("a master", () => {
  it("is of no use to a target that brings its own Spark", async () => {
    const args = ["run", "customer", "--target", "compose", "--master", "yarn"];
    const { exitCode, stderr } = await call(process.cwd(), ...args);
    expect(exitCode).toBe(2);
    expect(stderr).toContain("the target compose brings its own Spark");
  });
});
