import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { EnvironmentError } from "../../../src/errors.ts";
import { newState, saveState } from "../../../src/stack/embedded/state.ts";
import { homeOf } from "../../../src/stack/home.ts";
import { claimStateFolder, removeEmpty, removeState } from "../../../src/stack/state-folder.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";

describe("the folder of the state", () => {
  it("is made with a .gitignore, and gone after a purge", async () => {
    const home = homeOf(temporaryFolder(), {});
    await Promise.all([claimStateFolder(home), claimStateFolder(home)]);
    saveState(home, await newState(home));
    mkdirSync(path.join(home.state, "servers", "kafka"), { recursive: true });
    expect(readFileSync(path.join(home.state, ".gitignore"), "utf8")).toMatch(/^\*$/m);
    await claimStateFolder(home);
    await removeState(home);
    await removeEmpty(home.state);
    expect(existsSync(home.state)).toBe(false);
  });

  it("may hold things that are not in the way, and then has no .gitignore that would hide them", async () => {
    const folder = temporaryFolder();
    const home = homeOf(folder, { CDC_FEATURES_HOME: folder });
    writeFileSync(path.join(folder, "notes.txt"), "");
    await claimStateFolder(home);
    expect(readdirSync(folder)).toEqual(["notes.txt"]);
  });

  it("is refused where it holds other things by our names, and a purge takes nothing of them", async () => {
    const folder = temporaryFolder();
    const home = homeOf(folder, { CDC_FEATURES_HOME: folder });
    mkdirSync(path.join(folder, "features"));
    writeFileSync(path.join(folder, ".gitignore"), "*\n");
    await expect(claimStateFolder(home)).rejects.toThrow(EnvironmentError);
    await removeState(home);
    await removeEmpty(home.state);
    expect(readdirSync(folder).sort()).toEqual([".gitignore", "features"]);
  });

  it("keeps what a user put into it, also a .gitignore", async () => {
    const folder = temporaryFolder();
    const home = homeOf(folder, { CDC_FEATURES_HOME: folder });
    writeFileSync(path.join(folder, ".gitignore"), "secret\n");
    await claimStateFolder(home);
    saveState(home, await newState(home));
    writeFileSync(path.join(folder, "notes.txt"), "");
    await removeState(home);
    expect(readdirSync(folder).sort()).toEqual([".gitignore", "notes.txt"]);
    expect(readFileSync(path.join(folder, ".gitignore"), "utf8")).toBe("secret\n");
  });
});
