import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { isMade, once } from "../../../src/stack/embedded/setup/once.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";

describe("a part of the cache", () => {
  it("is made once, however many ask at a time", async () => {
    const folder = path.join(temporaryFolder(), "part");
    let made = 0;
    const make = async (to: string) => {
      made++;
      mkdirSync(to);
    };
    await Promise.all([once(folder, make), once(folder, make), once(folder, make)]);
    expect(made).toBe(1);
    expect(isMade(folder)).toBe(true);
  });

  it("that was interrupted starts clean", async () => {
    const folder = path.join(temporaryFolder(), "part");
    mkdirSync(folder);
    writeFileSync(path.join(folder, "half"), "");
    await expect(
      once(folder, async () => {
        throw new Error("network");
      }),
    ).rejects.toThrow("network");
    expect(isMade(folder)).toBe(false);
    await once(folder, async (to) => mkdirSync(to));
    expect(existsSync(path.join(folder, "half"))).toBe(false);
    expect(isMade(folder)).toBe(true);
  });
});
