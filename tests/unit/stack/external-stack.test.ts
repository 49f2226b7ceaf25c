/** What the target external keeps on this machine. */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { ExternalStack } from "../../../src/stack/external/external-stack.ts";
import { readProfile } from "../../../src/stack/external/profile.ts";
import { homeOf } from "../../../src/stack/home.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";

const PROFILE = `
kafka: { brokers: ["k:9092"], topic_prefix: shop }
redis: { nodes: ["r:6379"] }
spark: { master: yarn }
storage: { offline: /f, checkpoints: /c, dead_letters: /d }
`;

function stackOf(project: string, name: string): ExternalStack {
  const file = path.join(project, name);
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, PROFILE);
  return new ExternalStack(homeOf(project, {}), readProfile(file, {}));
}

describe("state of a profile", () => {
  it("is its own, also when another folder has a profile of the same name", () => {
    const project = temporaryFolder();
    const names = [
      "production.yaml",
      "production.yml",
      "eu/production.yaml",
      "us/production.yaml",
      "../x.yaml",
    ];
    const folders = names.map((name) => path.relative(project, stackOf(project, name).stateDir));
    expect(folders).toEqual([
      ".cdc-features/external/production",
      ".cdc-features/external/production.yml",
      ".cdc-features/external/eu%2Fproduction",
      ".cdc-features/external/us%2Fproduction",
      ".cdc-features/external/..%2Fx",
    ]);
  });

  it("is kept out of a repository before anything is written there", async () => {
    const project = temporaryFolder();
    await stackOf(project, "production.yaml").storage();
    expect(readFileSync(path.join(project, ".cdc-features", ".gitignore"), "utf8")).toMatch(/^\*$/m);
  });
});
