/** A new project and its golden tests, as a user makes and runs them. */
import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { cli } from "./support/cli.ts";

describe("a project that init made", () => {
  it("passes its own tests, and fails them where an expectation is wrong", async () => {
    const folder = temporaryFolder();
    expect(await cli(folder, ["init"])).toMatchObject({ exitCode: 0 });
    const passing = await cli(folder, ["test", "--json"]);
    expect(passing).toMatchObject({ exitCode: 0 });
    const { ok, cases } = JSON.parse(passing.stdout);
    expect([ok, cases.length]).toEqual([true, 3]);
    expect(cases[2].cells).toContainEqual({
      entity: "5",
      feature: "total_spend_7d",
      expected: "3.00",
      job: "3.00",
      verifier: "3.00",
      ok: true,
    });

    const file = path.join(folder, "tests/spending.test.yaml");
    writeFileSync(
      file,
      readFileSync(file, "utf8").replace("total_spend_7d: 607.00", "total_spend_7d: 608.00"),
    );
    const failing = await cli(folder, ["test", "--junit", "report.xml"]);
    expect(failing).toMatchObject({ exitCode: 1 });
    expect(failing.stdout).toMatch(/5 +total_spend_7d +608\.00 +607\.00 +607\.00\n/);
    expect(failing.stdout).toMatch(/2 passed, 1 failed$/);
    expect(readFileSync(path.join(folder, "report.xml"), "utf8")).toContain('tests="3" failures="1"');
  });
});
