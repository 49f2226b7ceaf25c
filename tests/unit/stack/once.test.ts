import { existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { isMade, once } from "../../../src/stack/setup/once.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";

describe("a part of the cache", () => {
  it("is made once, however many ask at a time", async () => {
    const folder = path.join(temporaryFolder(), "part");
    let made = 0;
    const make = async (to: string) => {
      made++;
      writeFileSync(path.join(to, "file"), "");
    };
    await Promise.all([once(folder, make), once(folder, make), once(folder, make)]);
    expect(made).toBe(1);
    expect(isMade(folder)).toBe(true);
    expect(existsSync(path.join(folder, "file"))).toBe(true);
  });

  it("is not disturbed by an earlier attempt that goes on though its command was killed", async () => {
    const folder = path.join(temporaryFolder(), "part");
    let orphan = "";
    const killed = once(folder, async (to) => {
      orphan = to;
      throw new Error("killed");
    });
    await expect(killed).rejects.toThrow("killed");
    await once(folder, async () => {
      mkdirSync(orphan, { recursive: true });
      writeFileSync(path.join(orphan, "half"), "");
    });
    expect(readdirSync(folder)).toEqual([".complete"]);
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
    await once(folder, async () => {});
    expect(existsSync(path.join(folder, "half"))).toBe(false);
    expect(isMade(folder)).toBe(true);
  });
});
