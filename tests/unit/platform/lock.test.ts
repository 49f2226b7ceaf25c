import { writeFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { tryLock, unlock, withLock } from "../../../src/platform/lock.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";

const file = () => path.join(temporaryFolder(), "some.lock");

describe("a lock", () => {
  it("is refused while it is held, naming the holder, and free again afterwards", async () => {
    const lock = file();
    expect(await tryLock(lock, "first")).toBeUndefined();
    expect(await tryLock(lock, "second")).toMatchObject({ pid: process.pid, purpose: "first" });
    await unlock(lock);
    expect(await tryLock(lock, "second")).toBeUndefined();
  });

  it("left by a process that is gone is taken over, even when its pid is used again", async () => {
    const lock = file();
    writeFileSync(lock, JSON.stringify({ pid: process.pid, startedAt: "another life", purpose: "old" }));
    expect(await tryLock(lock, "new")).toBeUndefined();
  });

  it("lets one in at a time", async () => {
    const lock = file();
    let inside = 0;
    let most = 0;
    await Promise.all(
      Array.from({ length: 5 }, () =>
        withLock(lock, "work", 10_000, async () => {
          most = Math.max(most, ++inside);
          await new Promise((resolve) => setTimeout(resolve, 5));
          inside--;
        }),
      ),
    );
    expect(most).toBe(1);
  });
});
