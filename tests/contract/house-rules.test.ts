/** The dependency rules of docs/architecture.md, read from the import lines. */
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const STAGES = ["render", "stack", "submit", "online", "stores", "verify"];

/** What each part of src/ may import of the others. */
const ALLOWED: Record<string, string[]> = {
  errors: [],
  definition: ["errors"],
  platform: ["platform", "errors"],
  ...Object.fromEntries(STAGES.map((stage) => [stage, ["definition", "platform", "errors"]])),
  // Served values are read by several commands; verify compares what stores read.
  verify: ["definition", "stores", "platform", "errors"],
  // What the online store holds is counted, too.
  monitor: ["definition", "stores", "platform", "errors"],
  // Golden tests hold the verifier's computation beside the job's.
  golden: ["definition", "stores", "verify", "platform", "errors"],
  // Drift is of what the offline store holds.
  drift: ["definition", "stores", "platform", "errors"],
  // Helpers of HTML pages know nothing of what is on them.
  page: [],
  // A benchmark drives what it measures.
  bench: ["definition", "stack", "submit", "stores", "page", "platform", "errors"],
  // A report shows what others have found, and finds nothing itself.
  report: ["definition", "monitor", "drift", "verify", "page"],
  cli: [
    ...["definition", ...STAGES, "golden", "drift", "bench", "report", "page", "monitor"],
    ...["platform", "errors"],
  ],
  main: ["cli", "definition", ...STAGES, "platform", "errors"],
};

interface Import {
  from: string;
  to: string;
}

function filesUnder(folder: string, ending: string): string[] {
  return readdirSync(path.join(ROOT, folder), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(ending))
    .map((name) => path.join(folder, name));
}

/** `src/cli/up.ts` belongs to `cli`, `src/main.ts` to `main`. */
function partOf(file: string): string {
  return path.relative("src", file).split(path.sep)[0]?.replace(/\.ts$/, "") ?? "";
}

function forbidden(imports: Import[]): string[] {
  return imports
    .filter(({ from, to }) => {
      const [a, b] = [partOf(from), partOf(to)];
      return a !== b && !(ALLOWED[a] ?? []).includes(b);
    })
    .map(({ from, to }) => `${from} imports ${to}`);
}

function importsOf(file: string): Import[] {
  const text = readFileSync(path.join(ROOT, file), "utf8");
  return [...text.matchAll(/(?:from|import)\s*\(?\s*"(\.[^"]+)"/g)].map((match) => ({
    from: file,
    to: path.join(path.dirname(file), match[1] as string),
  }));
}

describe("dependency rules", () => {
  it("hold in src/", () => {
    const files = filesUnder("src", ".ts");
    expect(files.length).toBeGreaterThan(40);
    expect(forbidden(files.flatMap(importsOf))).toEqual([]);
  });

  it("catch a stage that imports another, and a definition that imports anything", () => {
    expect(forbidden([{ from: "src/render/a.ts", to: "src/submit/b.ts" }])).toHaveLength(1);
    expect(forbidden([{ from: "src/drift/a.ts", to: "src/verify/b.ts" }])).toHaveLength(1);
    expect(forbidden([{ from: "src/page/a.ts", to: "src/report/b.ts" }])).toHaveLength(1);
    expect(forbidden([{ from: "src/report/a.ts", to: "src/stack/b.ts" }])).toHaveLength(1);
    expect(forbidden([{ from: "src/definition/a.ts", to: "src/platform/b.ts" }])).toHaveLength(1);
    expect(forbidden([{ from: "src/platform/a.ts", to: "src/cli/b.ts" }])).toHaveLength(1);
    expect(forbidden([{ from: "src/cli/a.ts", to: "src/stack/b.ts" }])).toEqual([]);
  });

  it("let only job and settings know the environment in Python", () => {
    const offenders = filesUnder("spark-jobs/cdc_features", ".py")
      .filter((file) => !["job.py", "settings.py"].includes(path.basename(file)))
      .filter((file) =>
        /^\s*(import os\b|from os import)|os\.environ|sys\.argv/m.test(
          readFileSync(path.join(ROOT, file), "utf8"),
        ),
      );
    expect(offenders).toEqual([]);
  });

  it("let nobody but the report folder colour or lay out", () => {
    const offenders = filesUnder("src", ".ts").filter(
      (file) =>
        !file.startsWith("src/cli/report/") &&
        /from "chalk"/.test(readFileSync(path.join(ROOT, file), "utf8")),
    );
    expect(offenders).toEqual([]);
  });
});
