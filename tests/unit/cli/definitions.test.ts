import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { temporaryFolder } from "../../support/temporary-folder.ts";
import { call } from "./support.ts";

const SHIPPED = readFileSync(new URL("../../../features/customer.yaml", import.meta.url), "utf8");

/** A project with a definition of its own, changed by `edit`. */
function withDefinition(edit: (text: string) => string, name = "customer"): string {
  const folder = temporaryFolder();
  mkdirSync(path.join(folder, "features"));
  writeFileSync(path.join(folder, "features", `${name}.yaml`), edit(SHIPPED));
  return folder;
}

describe("validate", () => {
  it("accepts what ships", async () => {
    const result = await call(temporaryFolder(), "validate");
    expect(result).toMatchObject({ exitCode: 0, stderr: "" });
    expect(result.stdout).toMatch(/customer\.yaml[\s\S]*product\.yaml/);
  });

  it("shows all problems at once with their places, and exits with 2", async () => {
    const folder = withDefinition((text) =>
      text
        .replace("aggregate: sum", "aggregate: summ")
        .replace("event_time: created_at", "event_time: creatd_at"),
    );
    const result = await call(folder, "validate", "features/customer.yaml");
    expect(result).toMatchObject({ exitCode: 2, stdout: "" });
    expect(result.stderr).toMatch(/2 problems/);
    expect(result.stderr).toMatch(/features\/customer\.yaml:9:15: .*creatd_at/);
    expect(result.stderr).toMatch(/did you mean created_at\?/);
    expect(result.stderr).toMatch(/did you mean sum\?/);
  });

  it("prints one document with --json", async () => {
    const folder = withDefinition((text) => text.replace("length: 30 days", "length: 30 dys"));
    const result = await call(folder, "validate", "--json");
    expect(result.exitCode).toBe(2);
    expect(JSON.parse(result.stdout)).toMatchObject({
      ok: false,
      diagnostics: [{ line: expect.any(Number), rule: expect.any(String) }],
    });
  });

  it("says when a file is not there, beside what is wrong in the others", async () => {
    const folder = withDefinition((text) => text.replace("length: 30 days", "length: 30 dys"));
    const files = ["features/customer.yaml", "features/none.yaml"];
    const result = await call(folder, "validate", ...files);
    expect(result.exitCode).toBe(2);
    expect(result.stderr).toMatch(/2 problems/);
    expect(result.stderr).toMatch(/features\/none\.yaml:1:1: .*ENOENT.*\[unreadable-file\]/);
    const { diagnostics } = JSON.parse((await call(folder, "validate", "--json", ...files)).stdout);
    expect(diagnostics.map(({ rule }: { rule: string }) => rule)).toEqual(["wrong-value", "unreadable-file"]);
  });

  it("finds definitions that end in .yml, too", async () => {
    const folder = withDefinition((text) => text.replace("length: 30 days", "length: 30 dys"));
    renameSync(path.join(folder, "features/customer.yaml"), path.join(folder, "features/customer.yml"));
    expect(await call(folder, "validate")).toMatchObject({ exitCode: 2, stdout: "" });
    expect((await call(folder, "render", "customer")).stderr).toMatch(/features\/customer\.yml:\d+:\d+/);
  });
});

describe("render", () => {
  it("writes the job of the project's own definition, and knows when it is stale", async () => {
    const folder = withDefinition((text) => text);
    expect(await call(folder, "render", "customer", "--check")).toMatchObject({
      exitCode: 1,
      stderr: expect.stringContaining("missing"),
    });
    expect(existsSync(path.join(folder, "spark-jobs"))).toBe(false);
    expect(await call(folder, "render", "customer")).toMatchObject({
      exitCode: 0,
      stdout: expect.stringContaining("written"),
    });
    expect(await call(folder, "render", "customer", "--check")).toMatchObject({ exitCode: 0 });
    writeFileSync(path.join(folder, "features", "customer.yaml"), SHIPPED.replace("1000", "2000"));
    expect(await call(folder, "render", "customer", "--check")).toMatchObject({
      exitCode: 1,
      stderr: expect.stringContaining("stale"),
    });
  });

  it("takes a set that is named twice once", async () => {
    const folder = withDefinition((text) => text);
    const { stdout } = await call(folder, "render", "customer", "features/customer.yaml", "customer");
    expect(stdout).toBe("spark-jobs/customer_features.py written");
  });

  it("refuses two files that hold a set of one name, and names both", async () => {
    const folder = withDefinition((text) => text);
    mkdirSync(path.join(folder, "other"));
    writeFileSync(path.join(folder, "other", "customer.yaml"), SHIPPED);
    const result = await call(folder, "render", "customer", "other/customer.yaml");
    expect(result).toMatchObject({ exitCode: 2, stdout: "" });
    expect(result.stderr).toMatch(/customer.*features\/customer\.yaml.*other\/customer\.yaml/s);

    writeFileSync(path.join(folder, "features", "customer.yml"), SHIPPED);
    const ambiguous = await call(folder, "render", "customer");
    expect(ambiguous).toMatchObject({ exitCode: 2, stdout: "" });
    expect(ambiguous.stderr).toMatch(/features\/customer\.yaml.*features\/customer\.yml/s);
  });

  it.each([
    ["elsewhere", "elsewhere"],
    ["", "spark-jobs"],
  ])("takes its options from the environment, too: %j", async (value, place) => {
    const folder = withDefinition((text) => text);
    process.env.CDC_FEATURES_OUT = value;
    try {
      await call(folder, "render", "customer");
    } finally {
      delete process.env.CDC_FEATURES_OUT;
    }
    expect(existsSync(path.join(folder, place, "customer_features.py"))).toBe(true);
  });
});

describe("a set's name", () => {
  it("is that of a definition that ships, also of an example", async () => {
    const folder = temporaryFolder();
    expect(await call(folder, "render", "customer_360")).toMatchObject({ exitCode: 0, stderr: "" });
    expect(existsSync(path.join(folder, "spark-jobs", "customer_360_features.py"))).toBe(true);
  });
});

describe("wrong usage", () => {
  it.each([
    [["run", "custmer"], /no feature set named custmer/],
    [["run"], /missing required argument/],
    [["frobnicate"], /unknown command/],
    [["run", "customer", "--sink", "disk"], /dual, redis, parquet, console/],
    [["up", "--target", "moon"], /no target named moon/],
    [["verify"], /nothing was run here yet/],
    [["seed", "--orders", "many"], /not running here/],
  ])("%j is explained", async (args, message) => {
    const result = await call(temporaryFolder(), ...args);
    expect(result.exitCode).toBe(args[0] === "seed" ? 3 : 2);
    expect(result.stderr).toMatch(message);
    expect(result.stdout).toBe("");
  });

  it("of a command without a stack says how to start one", async () => {
    const result = await call(temporaryFolder(), "get", "customer", "1");
    expect(result).toMatchObject({ exitCode: 3, stderr: expect.stringContaining("cdc-features up") });
  });
});

describe("status of a project that was never started", () => {
  it("is four stopped servers, and creates nothing", async () => {
    const folder = temporaryFolder();
    const { servers } = JSON.parse((await call(folder, "status", "--json")).stdout);
    expect(servers.map(({ name, state }: { name: string; state: string }) => `${name} ${state}`)).toEqual([
      "postgres stopped",
      "kafka stopped",
      "connect stopped",
      "redis stopped",
    ]);
    expect(existsSync(path.join(folder, ".cdc-features"))).toBe(false);
  });
});

describe("a flag's environment variable", () => {
  it.each([
    ["1", true],
    ["true", true],
    ["0", false],
    ["false", false],
  ])("%s means %s", async (value, isOn) => {
    process.env.CDC_FEATURES_JSON = value;
    try {
      expect((await call(temporaryFolder(), "validate")).stdout.startsWith("{")).toBe(isOn);
    } finally {
      delete process.env.CDC_FEATURES_JSON;
    }
  });
});
