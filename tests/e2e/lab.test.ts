/** The pages of the lab course, typed line by line in a fresh folder with servers of its own. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, it } from "vitest";
import { parse } from "yaml";
import { cli } from "./support/cli.ts";
import { Console } from "./support/console.ts";
import { stepsOf } from "./support/console-page.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const folder = mkdtempSync(path.join(os.tmpdir(), "cdc-features-lab-"));
const terminals: Console[] = [];

afterAll(async () => {
  for (const one of terminals) await one.close();
  await cli(folder, ["down", "--purge"]);
  rmSync(folder, { recursive: true, force: true });
});

/** What a reader has: the clone, and nothing said to the tool but where downloads are. */
function environment(): NodeJS.ProcessEnv {
  const isSaid = (name: string) => name.startsWith("CDC_FEATURES_") && name !== "CDC_FEATURES_CACHE";
  const plain = Object.entries(process.env).filter(([name]) => !isSaid(name));
  return {
    ...Object.fromEntries(plain),
    CLONE: path.resolve(ROOT),
    PATH: [path.join(ROOT, "bin"), path.dirname(process.execPath), process.env.PATH].join(":"),
  };
}

async function typeAll(page: string): Promise<void> {
  const console = new Console(page, folder, environment());
  terminals.push(console);
  for (const step of stepsOf(readFileSync(path.join(ROOT, page), "utf8"))) await console.take(step);
}

interface Workflow {
  jobs: Record<string, { steps: { name?: string; uses?: string; run?: string }[] }>;
}

describe("in one folder, one after the other", () => {
  it("docs/lab.md is what happens", { timeout: 1_200_000 }, () => typeAll("docs/lab.md"));

  it("docs/grading.md is what happens", { timeout: 1_200_000 }, () => typeAll("docs/grading.md"));

  it("docs/grading/ci.yml passes, but for its setting up", async () => {
    const page = "docs/grading/ci.yml";
    const { jobs } = parse(readFileSync(path.join(ROOT, page), "utf8")) as Workflow;
    const steps = Object.values(jobs).flatMap((job) => job.steps);
    const commands = steps.flatMap(({ name, run }) => (run === undefined || name === "Set up" ? [] : [run]));
    expect(commands).toHaveLength(5);
    const console = new Console(page, folder, environment());
    const expected = [{ text: "…", line: 0 }];
    for (const command of commands)
      await console.take({
        ...{ kind: "typed", command, line: 0, expected },
        ...{ terminal: undefined, repeats: false, mayFail: false },
      });
  });
});
