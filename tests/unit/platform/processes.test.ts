import { readFileSync, rmSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import {
  isAlive,
  processesIn,
  runCommand,
  startServer,
  stopServer,
} from "../../../src/platform/processes.ts";
import { waitFor } from "../../../src/platform/waits.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";

function start(script: string) {
  const folder = temporaryFolder();
  const log = path.join(folder, "log");
  return { server: startServer(process.execPath, ["-e", script], { log, cwd: folder }), log };
}

const RUN = "console.log('up'); setInterval(() => {}, 1000);";

describe("a server", () => {
  it("is alive until it is stopped, and writes to its log", async () => {
    const { server, log } = start(RUN);
    const ref = await server.ref;
    await waitFor(
      { what: "the log", timeoutMs: 5_000 },
      async () => readFileSync(log, "utf8").includes("up") || undefined,
    );
    expect(isAlive(ref)).toBe(true);
    expect(await stopServer(ref, 5_000)).toBe(true);
    expect(isAlive(ref)).toBe(false);
  });

  it("that does not listen is killed", async () => {
    const { server, log } = start(`process.on("SIGTERM", () => {}); ${RUN}`);
    const ref = await server.ref;
    await waitFor(
      { what: "the log", timeoutMs: 5_000 },
      async () => readFileSync(log, "utf8").includes("up") || undefined,
    );
    expect(await stopServer(ref, 300)).toBe(false);
    expect(isAlive(ref)).toBe(false);
  });

  it("is found by its command and the folder that it works in, without its children", async () => {
    const { server, log } = start(
      "require('child_process').spawn('sleep', ['60']); console.log('up'); setInterval(() => {}, 1000);",
    );
    const ref = await server.ref;
    const folder = path.dirname(log);
    await waitFor(
      { what: "the log", timeoutMs: 5_000 },
      async () => readFileSync(log, "utf8").includes("up") || undefined,
    );
    if (process.platform === "linux") {
      expect(await processesIn([folder], /spawn/)).toEqual([ref]);
      expect(await processesIn([folder], /another command/)).toEqual([]);
      rmSync(folder, { recursive: true });
      expect(await processesIn([`${folder}/none`, folder], /spawn/)).toEqual([ref]);
    }
    process.kill(-ref.pid, "SIGKILL");
  });

  it("is not taken for another process under its pid", () => {
    expect(isAlive({ pid: process.pid, startedAt: "another time" })).toBe(false);
  });

  it("that cannot start says why", async () => {
    const folder = temporaryFolder();
    const server = startServer("/no/such/program", [], { log: path.join(folder, "log"), cwd: folder });
    await expect(server.ref).rejects.toThrow(/ENOENT/);
  });
});

describe("a command", () => {
  it("that fails is a result", async () => {
    const result = await runCommand(process.execPath, ["-e", "console.error('no'); process.exit(3)"]);
    expect(result).toMatchObject({ ok: false, exitCode: 3, stderr: "no" });
  });

  it("that is missing is a result, too", async () => {
    const result = await runCommand("/no/such/program", []);
    expect(result.ok).toBe(false);
    expect(result.stderr).toMatch(/ENOENT/);
  });
});
