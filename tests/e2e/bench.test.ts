/** A small benchmark, as a user calls it: it measures, leaves JSON and page, and nothing else. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { benchDocument } from "../../src/bench/document.ts";
import { processesIn } from "../../src/platform/processes.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { cli } from "./support/cli.ts";

const SMALL = ["--events", "2000", "--entities", "100", "--ways", "exact,parse"];

describe("bench", () => {
  it("measures bulk and reads on servers of its own, which are gone afterwards", async () => {
    const folder = temporaryFolder();
    const result = await cli(folder, ["bench", "bulk", "reads", ...SMALL, "--json"]);
    expect(result).toMatchObject({ exitCode: 0 });
    const document = benchDocument.parse(JSON.parse(result.stdout));
    expect(document).toMatchObject({ complete: true, seed: 1, settings: { events: 2_000 } });
    expect(Object.keys(document.parts)).toEqual(["bulk", "reads"]);

    const [exact, parse] = document.parts.bulk?.ways ?? [];
    expect(exact).toMatchObject({ way: "exact", records: 2_000, state: { rows: 100 } });
    expect(parse).toMatchObject({ way: "parse", records: 2_000, state: null });
    for (const way of [exact, parse]) {
      expect(way?.querySeconds).toBeGreaterThan(0);
      expect(way?.processSeconds).toBeGreaterThan(way?.querySeconds ?? 0);
    }
    expect(document.parts.reads?.inProcess.map(({ ms }) => ms.count)).toEqual(Array(7).fill(3_000));

    const results = path.join(folder, ".cdc-features", "bench");
    expect(JSON.parse(readFileSync(path.join(results, "bench.json"), "utf8"))).toEqual(document);
    const page = readFileSync(path.join(results, "bench.html"), "utf8");
    expect(page).toContain("Bulk throughput");
    expect(page).toContain("2,000 orders of up to 100 customers");
    expect(readdirSync(results).sort()).toEqual(["bench.html", "bench.json"]);
    expect(existsSync(path.join(folder, ".cdc-features", "stack.json"))).toBe(false);
    expect(await processesIn([folder], /./)).toEqual([]);
  });
});
