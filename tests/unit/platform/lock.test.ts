import { spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { tryLock, unlock, waitingFor, withLock } from "../../../src/platform/lock.ts";
import { startTimeOf } from "../../../src/platform/processes.ts";
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

  it("of another process is not given back", async () => {
    const lock = file();
    const other = spawn("sleep", ["60"]);
    const pid = other.pid as number;
    writeFileSync(lock, JSON.stringify({ pid, startedAt: startTimeOf(pid), purpose: "other" }));
    await unlock(lock);
    expect(await tryLock(lock, "mine")).toMatchObject({ purpose: "other" });
    other.kill();
  });

  it("that cannot be read is nobody's", async () => {
    const lock = file();
    writeFileSync(lock, "");
    expect(await tryLock(lock, "new")).toBeUndefined();
  });

  it("left behind is taken over by one of many", async () => {
    for (let round = 0; round < 50; round++) {
      const lock = file();
      writeFileSync(lock, JSON.stringify({ pid: process.pid, startedAt: "another life", purpose: "old" }));
      const answers = await Promise.all(Array.from({ length: 8 }, () => tryLock(lock, "new")));
      expect(answers.filter((answer) => answer === undefined)).toHaveLength(1);
    }
  });

  it("that is waited for long is told with its holder", async () => {
    const lock = file();
    await tryLock(lock, "cdc-features up");
    const told: string[] = [];
    setTimeout(() => void unlock(lock), 2_600);
    await withLock(
      lock,
      "down",
      10_000,
      async () => {},
      (holder) => told.push(waitingFor(holder)),
    );
    expect(told).toEqual([`waiting for another process to finish: cdc-features up (pid ${process.pid})`]);
  });
});
