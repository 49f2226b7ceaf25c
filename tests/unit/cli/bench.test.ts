import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { appendOnly } from "../../../src/cli/bench.ts";
import { loadDefinitions } from "../../../src/cli/definitions.ts";
import { PACKAGE_ROOT } from "../../../src/stack/home.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";
import { benchDocument } from "../bench/document.ts";
import { call } from "./support.ts";

describe("bench", () => {
  it("makes the page of an earlier JSON anew, and measures nothing", async () => {
    const folder = temporaryFolder();
    writeFileSync(path.join(folder, "old.json"), JSON.stringify(benchDocument()));
    const { exitCode, stdout } = await call(folder, "bench", "--from", "old.json", "--out", "new/page.html");
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/^exact job .*500/m);
    expect(stdout).toContain(path.join(folder, "new", "page.html"));
    expect(readFileSync(path.join(folder, "new", "page.html"), "utf8")).toContain("Bulk throughput");
    expect(JSON.parse(readFileSync(path.join(folder, "new", "page.json"), "utf8"))).toEqual(benchDocument());
  });

  it("prints the document alone with --json", async () => {
    const folder = temporaryFolder();
    writeFileSync(path.join(folder, "old.json"), JSON.stringify(benchDocument()));
    const { stdout } = await call(folder, "bench", "--from", "old.json", "--out", "new", "--json");
    expect(JSON.parse(stdout)).toEqual(benchDocument());
  });

  it("refuses what it cannot read or does not know, before anything starts", async () => {
    const folder = temporaryFolder();
    writeFileSync(path.join(folder, "other.json"), "{}");
    const refused = async (...args: string[]) => {
      const { exitCode, stderr } = await call(folder, "bench", ...args);
      return [exitCode, stderr];
    };
    expect(await refused("--from", "other.json")).toEqual([
      2,
      expect.stringContaining("no document of bench"),
    ]);
    expect(await refused("--from", "none.json")).toEqual([2, expect.stringContaining("there is no file")]);
    expect(await refused("bulky")).toEqual([2, expect.stringContaining("Did you mean bulk?")]);
    expect(await refused("--rates", "fast")).toEqual([
      2,
      expect.stringContaining("--rates takes whole numbers"),
    ]);
    expect(await refused("--trigger", "5m")).toEqual([2, expect.stringContaining("it is 5 minutes")]);
  });

  it("has the shipped set over a table that is only inserted into, with keys of its own", async () => {
    const [shipped] = await loadDefinitions(
      [path.join(PACKAGE_ROOT, "features", "customer.yaml")],
      PACKAGE_ROOT,
    );
    if (shipped === undefined) throw new Error("no definition");
    const { featureSet } = appendOnly(shipped);
    expect(featureSet).toEqual({
      ...shipped.featureSet,
      name: "customer_append",
      source: { ...shipped.featureSet.source, appendOnly: true },
    });
  });
});
