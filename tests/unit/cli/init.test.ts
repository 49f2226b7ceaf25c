import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { temporaryFolder } from "../../support/temporary-folder.ts";
import { call } from "./support.ts";

const MADE = ["features/spending.yaml", "tests/spending.test.yaml", "README.md"];

describe("init", () => {
  it("makes a project whose definition is valid and can be rendered", async () => {
    const folder = temporaryFolder();
    expect(await call(folder, "init", "new", "--json")).toMatchObject({
      exitCode: 0,
      stdout: JSON.stringify({ folder: path.join(folder, "new"), files: MADE }),
      stderr: "",
    });
    const project = path.join(folder, "new");
    expect((await call(project, "validate")).stdout).toBe("✓ features/spending.yaml");
    expect(await call(project, "render", "spending")).toMatchObject({ exitCode: 0 });
  });

  it("works where it stands", async () => {
    const folder = temporaryFolder();
    const { stdout, stderr } = await call(folder, "init");
    expect(stdout.split("\n")).toEqual(MADE.map((file) => `${file} written`));
    expect(stderr).toContain("cdc-features test");
    expect(MADE.every((file) => existsSync(path.join(folder, file)))).toBe(true);
  });

  it("overwrites nothing, and then writes nothing", async () => {
    const folder = temporaryFolder();
    mkdirSync(path.join(folder, "tests"));
    writeFileSync(path.join(folder, "README.md"), "mine");
    writeFileSync(path.join(folder, "tests/spending.test.yaml"), "mine");
    const { exitCode, stderr } = await call(folder, "init");
    expect(exitCode).toBe(2);
    expect(stderr).toContain("tests/spending.test.yaml, README.md are already in");
    expect(readFileSync(path.join(folder, "README.md"), "utf8")).toBe("mine");
    expect(existsSync(path.join(folder, "features"))).toBe(false);
  });
});

describe("test", () => {
  it("says where it looked for golden tests", async () => {
    const folder = temporaryFolder();
    const none = await call(folder, "test");
    expect(none).toMatchObject({ exitCode: 2, stdout: "" });
    expect(none.stderr).toMatch(/no golden tests in tests\n.*cdc-features init/);
    expect(await call(folder, "test", "some.test.yaml")).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining("there is no some.test.yaml"),
    });
  });

  it("shows what is wrong with the tests and with their definitions at once", async () => {
    const folder = temporaryFolder();
    await call(folder, "init");
    const change = (file: string, edit: (text: string) => string) =>
      writeFileSync(path.join(folder, file), edit(readFileSync(path.join(folder, file), "utf8")));
    writeFileSync(path.join(folder, "tests/broken.test.yaml"), "feature_set: spending\n");
    const ofNone =
      "feature_set: spendin\ncases: [{ name: a, as_of: 2026-11-21T12:00:00Z, given: [], expect: [{ entity: 1, features: none }] }]\n";
    writeFileSync(path.join(folder, "tests/none.test.yaml"), ofNone);
    change("tests/spending.test.yaml", (text) => text.replace("order_count_7d: 2", "order_cont_7d: 2"));
    const { exitCode, stderr } = await call(folder, "test");
    expect(exitCode).toBe(2);
    expect(stderr).toMatch(/3 problems in the golden tests/);
    expect(stderr).toMatch(/tests\/broken\.test\.yaml:1:1: "cases" is missing/);
    expect(stderr).toMatch(
      /tests\/none\.test\.yaml:1:14: no feature set named spendin\. Did you mean spending\?/,
    );
    expect(stderr).toMatch(/tests\/spending\.test\.yaml:13:21: order_cont_7d is no feature of spending/);
    change("features/spending.yaml", (text) => text.replace("aggregate: sum", "aggregate: summ"));
    expect((await call(folder, "test")).stderr).toMatch(/features\/spending\.yaml:\d+:\d+: .*summ/);
  });
});
