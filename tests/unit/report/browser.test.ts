/** The page in a real browser: Debian's chromium, where there is one. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { type Browser, chromium, type Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { pageOf } from "../../../src/report/page/page.ts";
import { findings, neverRun, reportOf } from "./document.ts";

const CHROMIUM = spawnSync("which", ["chromium"], { encoding: "utf8" }).stdout.trim();

/** One set with everything, one with nothing, one whose names are longer than any screen is wide. */
function longNames() {
  const found = findings();
  const long = `customer_${"and_more_".repeat(30)}`;
  const features = found.lineage.features.map((feature, i) =>
    i === 0 ? { ...feature, name: long } : feature,
  );
  return {
    ...{ ...found, name: long, description: `${long} `.repeat(3) },
    rules: found.rules.map((rule) => ({ ...rule, name: long, check: long })),
    lineage: { ...found.lineage, table: long, redisKey: long, features },
  };
}
const DOCUMENT = reportOf(findings(), neverRun(), longNames());

const SIZES = [
  { name: "a phone", width: 360, height: 740 },
  { name: "a screen", width: 1280, height: 900 },
];
const SCHEMES = ["light", "dark"] as const;

interface Contrast {
  ratio: number;
  text: string;
}

describe.skipIf(CHROMIUM === "")("the page in chromium (needs chromium)", { timeout: 120_000 }, () => {
  let folder: string;
  let browser: Browser;
  let url: string;

  beforeAll(async () => {
    folder = mkdtempSync(path.join(os.tmpdir(), "cdc-features-report-"));
    const file = path.join(folder, "report.html");
    writeFileSync(file, pageOf(DOCUMENT));
    url = pathToFileURL(file).href;
    browser = await chromium.launch({ executablePath: CHROMIUM, args: ["--no-sandbox"] });
  }, 120_000);

  afterAll(async () => {
    await browser?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  async function open(
    { width, height }: { width: number; height: number },
    colorScheme: "light" | "dark",
  ): Promise<{ page: Page; problems: string[]; requests: string[] }> {
    const page = await browser.newPage({ viewport: { width, height }, colorScheme });
    const [problems, requests]: [string[], string[]] = [[], []];
    page.on("console", (message) => {
      if (["error", "warning"].includes(message.type())) problems.push(message.text());
    });
    page.on("pageerror", (error) => problems.push(error.message));
    page.on("request", (request) => requests.push(request.url()));
    await page.addInitScript({ path: path.join(import.meta.dirname, "in-page.js") });
    await page.goto(url);
    return { page, problems, requests };
  }

  describe.each(SIZES)("on $name", (size) => {
    it.each(SCHEMES)("in %s fits, can be read, and asks for nothing", async (scheme) => {
      const { page, problems, requests } = await open(size, scheme);
      expect(problems).toEqual([]);
      expect(requests).toEqual([url]);
      expect(await page.evaluate("inPage.overflow()")).toBeLessThanOrEqual(0);
      const { ratio, text } = await page.evaluate<Contrast>("inPage.leastContrast()");
      expect(ratio, text).toBeGreaterThanOrEqual(4.5);
      const isLight = scheme === "light";
      expect(await page.evaluate("inPage.bodyColours()")).toMatchObject({ isLight });
      await page.screenshot({ path: path.join(folder, `${size.width}-${scheme}.png`), fullPage: true });
      await page.close();
    });

    it("shows each chart, which has a name, and no text of it runs out of the page", async () => {
      const { page } = await open(size, "light");
      const charts = page.getByRole("img");
      const all = await page.locator("svg:not([aria-hidden])").count();
      expect(all).toBeGreaterThan(15);
      expect(await charts.count()).toBe(all);
      for (const chart of await charts.all()) {
        expect((await chart.getAttribute("aria-label"))?.length).toBeGreaterThan(10);
        const box = await chart.boundingBox();
        expect(box?.width).toBeGreaterThan(100);
        expect(box?.height).toBeGreaterThan(30);
      }
      expect(await page.evaluate("inPage.textsOutside()")).toEqual([]);
      await page.close();
    });
  });

  it("has as many checks as the document", async () => {
    const { page } = await open(SIZES[1] as (typeof SIZES)[number], "light");
    const checks = DOCUMENT.featureSets.flatMap((set) => set.checks);
    expect(await page.locator(".checks > li").count()).toBe(checks.length);
    const failed = checks.filter(({ result }) => result === "fail").length;
    expect(await page.locator(".checks > li.fail").count()).toBe(failed);
    await page.close();
  });

  it("is printed black on white, also from a dark screen, and nothing of a table is cut", async () => {
    const { page, problems } = await open({ width: 720, height: 1_000 }, "dark");
    await page.emulateMedia({ media: "print", colorScheme: "dark" });
    expect(await page.evaluate("inPage.bodyColours()")).toMatchObject({
      text: "rgb(0, 0, 0)",
      background: "rgb(255, 255, 255)",
    });
    const { ratio, text } = await page.evaluate<Contrast>("inPage.leastContrast()");
    expect(ratio, text).toBeGreaterThanOrEqual(4.5);
    expect(await page.evaluate("inPage.overflow()")).toBeLessThanOrEqual(0);
    expect(await page.evaluate("inPage.tablesCut()")).toBe(0);
    const pdf = await page.pdf({ format: "A4", path: path.join(folder, "report.pdf") });
    expect(pdf.subarray(0, 5).toString()).toBe("%PDF-");
    await page.screenshot({ path: path.join(folder, "print.png"), fullPage: true });
    expect(problems).toEqual([]);
    await page.close();
  });
});
