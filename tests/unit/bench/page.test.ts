import { describe, expect, it } from "vitest";
import { benchDocument as form } from "../../../src/bench/document.ts";
import { pageOf } from "../../../src/bench/page/page.ts";
import { benchLines } from "../../../src/cli/report/bench.ts";
import { problemsOf } from "../../support/html.ts";
import { benchDocument } from "./document.ts";

describe("the page", () => {
  const page = pageOf(benchDocument());

  it("is well-formed, also where parts, usage or values are missing", () => {
    expect(problemsOf(page)).toEqual([]);
    const { parts } = benchDocument();
    for (const name of Object.keys(parts) as (keyof typeof parts)[]) {
      const alone = pageOf({ ...benchDocument(), parts: { [name]: parts[name] } });
      expect(problemsOf(alone)).toEqual([]);
      expect(alone).not.toMatch(/NaN|Infinity|undefined|null/);
    }
    expect(problemsOf(pageOf({ ...benchDocument(), parts: {} }))).toEqual([]);
  });

  it("takes nothing from elsewhere, and runs nothing", () => {
    expect(page).not.toMatch(/<script|<link|<img|<iframe|@import|url\(|https?:\/\/|src=|\son\w+=/i);
  });

  it("escapes what it is told", () => {
    expect(page).toContain("A &lt;fast&gt; &amp; odd processor");
    const hostile = benchDocument();
    hostile.versions = { '<script>"': "</style><script>alert('x')</script>" };
    hostile.parts.bulk?.ways.forEach((way) => {
      way.title = `"><script>&`;
      way.way = `" onload="x`;
    });
    expect(problemsOf(pageOf(hostile))).toEqual([]);
    expect(pageOf(hostile)).not.toContain("<script");
  });

  it("holds the numbers of every part", () => {
    const numbers = [
      ...["500/s", "125/s", "4.00 ×", "12.5 s", "123 kB", "321 MB"], // bulk: to plain, CPU, state, workers
      ...["1.9 s", "1.7 s", "801 ms", "17 of 100"], // freshness
      ...["0.043 ms", "3.75 ms", "0.93 s"], // reads
      ...["20,000", "40,000", "7 MB/s"], // writes
      ...["9.6 s", "1,000 orders", "667"], // idle, hot, growth
      ...["4.1.1", "spark.driver.memory", "local[2]", "8 GB"],
    ];
    expect(numbers.filter((number) => !page.includes(number))).toEqual([]);
  });

  it("says that the machine was not quiet, and that the end was not reached", () => {
    expect(page).not.toMatch(/not quiet|did not reach/);
    const document = benchDocument();
    const busy = pageOf({ ...document, complete: false, machine: { ...document.machine, loadBefore: 3.4 } });
    expect(busy).toMatch(/not quiet: its load was 3\.4/);
    expect(busy).toMatch(/did not reach its end/);
  });

  it("comes from the JSON alone", () => {
    const read = form.parse(JSON.parse(JSON.stringify(benchDocument())));
    expect(pageOf(read)).toBe(page);
  });
});

describe("the tables in a terminal", () => {
  it("hold the numbers of every part", () => {
    const lines = benchLines(benchDocument());
    expect(lines).toMatch(/^exact job +2,000 +4 s +10 s +500 +4\.00 × +0\.50 ×$/m);
    expect(lines).toMatch(/^exact job +200 +200 +801 ms .* 1\.9 s +2 s +yes$/m);
    expect(lines).toMatch(/^exact job +9,000 .* - +- +no$/m);
    expect(lines).toMatch(/^redis +new keys +1 +20,000 +7 MB\/s$/m);
  });
});
