import { spawn } from "node:child_process";
import { once } from "node:events";
import { describe, expect, it } from "vitest";
import { watchUsage } from "../../../src/bench/usage.ts";

describe.runIf(process.platform === "linux")("watching what processes use", () => {
  it("adds up a process and its children", async () => {
    const work = "const end = Date.now() + 600; while (Date.now() < end);";
    const child = spawn("sh", ["-c", `"${process.execPath}" -e "${work}"; sleep 2`]);
    const watch = watchUsage(async () => child.pid);
    await new Promise((resolve) => setTimeout(resolve, 2_500));
    const ended = once(child, "exit");
    child.kill();
    await ended;
    const usage = watch.end();
    expect(usage?.cpuSeconds).toBeGreaterThan(0.1);
    expect(usage?.jvmPeakBytes).toBe(0);
  });

  it("knows nothing of a process that never was", () => {
    expect(watchUsage(async () => undefined).end()).toBeUndefined();
  });
});
