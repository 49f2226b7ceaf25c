import { chmodSync, writeFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { checkNode, checkPlatform, checkPython } from "../../../src/stack/setup/machine.mjs";
import { temporaryFolder } from "../../support/temporary-folder.ts";

/** A program that answers as a Python of this version does. */
function python(version: string, name = "python3", folder = temporaryFolder()): string {
  const file = path.join(folder, name);
  writeFileSync(file, `#!/bin/sh\necho ${version} True\n`);
  chmodSync(file, 0o755);
  return folder;
}

describe("the machine", () => {
  it("needs Node 20.19 or later", () => {
    for (const version of ["20.19.0", "22.1.0", "24.0.1"]) expect(checkNode(version).ok).toBe(true);
    for (const version of ["12.22.1", "18.20.0", "20.18.9"]) {
      expect(checkNode(version)).toMatchObject({
        ok: false,
        found: version,
        hint: expect.stringMatching(/20\.19/),
      });
    }
  });

  it("needs Linux or macOS", () => {
    expect(checkPlatform("linux-arm64").ok).toBe(true);
    expect(checkPlatform("win32-x64")).toMatchObject({ ok: false, hint: expect.stringMatching(/WSL/) });
  });

  it("needs a Python that the lock has wheels for, and names one that does not fit", () => {
    for (const version of ["3.10.1", "3.14.0"]) expect(checkPython({ PATH: python(version) }).ok).toBe(true);
    for (const version of ["2.7.18", "3.9.2", "3.15.0"]) {
      expect(checkPython({ PATH: python(version) })).toMatchObject({
        ok: false,
        found: `python3 is ${version}, needed: Python 3.10 to 3.14`,
      });
    }
    expect(checkPython({ PATH: temporaryFolder() })).toMatchObject({
      ok: false,
      found: "no Python 3.10 to 3.14 on PATH",
    });
  });

  it("may have a fitting Python beside one that is too new", () => {
    const PATH = python("3.12.4", "python3.12", python("3.15.0"));
    expect(checkPython({ PATH })).toMatchObject({ ok: true, found: "3.12.4 (python3.12)" });
    expect(checkPython({ PATH, CDC_FEATURES_PYTHON: "python3" }).ok).toBe(false);
  });
});
