import { execFileSync } from "node:child_process";
import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { expect, it } from "vitest";
import { sparkFriendly } from "../../../src/stack/setup/wheel-java.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";

it("leaves out the one module that the wheel's Java lacks, and hands on everything else as it is", async () => {
  const folder = path.join(temporaryFolder(), "a venv's");
  const java = path.join(folder, "java-runtime", "bin", "java");
  mkdirSync(path.dirname(java), { recursive: true });
  writeFileSync(java, `#!/bin/sh\nprintf '%s\\n' "$@"\n`);
  chmodSync(java, 0o755);
  const javaHome = await sparkFriendly(java, path.join(folder, "home"));
  const args = [
    "-cp",
    "a b:*",
    "--add-modules=jdk.incubator.vector",
    "--add-modules=java.sql",
    "Main",
    "",
    "$x 'y'",
  ];
  const seen = execFileSync(path.join(javaHome, "bin", "java"), args, { encoding: "utf8" });
  expect(seen.split("\n")).toEqual(["-cp", "a b:*", "--add-modules=java.sql", "Main", "", "$x 'y'", ""]);
});
