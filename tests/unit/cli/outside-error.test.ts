/** What the operating system refuses is the environment's fault and not a bug of ours. */
import { mkdirSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { outsideError } from "../../../src/cli/report/outside-error.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";
import { call } from "./support.ts";

describe("a state folder that cannot be used", () => {
  it("because a file stands there, is named with a way out", async () => {
    const folder = temporaryFolder();
    writeFileSync(path.join(folder, ".cdc-features"), "");
    const { exitCode, stdout, stderr } = await call(folder, "status");
    expect({ exitCode, stdout }).toEqual({ exitCode: 3, stdout: "" });
    expect(stderr).toMatch(
      /cannot \w+ \S+\/\.cdc-features\S*: not a directory \(ENOTDIR\)\n.*CDC_FEATURES_HOME/,
    );
  });

  it("because a folder stands where a file is needed, too", async () => {
    const folder = temporaryFolder();
    mkdirSync(path.join(folder, ".cdc-features", "stack.json"), { recursive: true });
    const { exitCode, stderr } = await call(folder, "get", "customer", "1");
    expect(exitCode).toBe(3);
    expect(stderr).toMatch(/illegal operation on a directory \(EISDIR\)\n/);
  });
});

describe("a server that is gone", () => {
  it("is named by its address", async () => {
    const server = createServer();
    const port = await new Promise<number>((resolve) =>
      server.listen(0, "127.0.0.1", () => resolve((server.address() as { port: number }).port)),
    );
    await new Promise((resolve) => server.close(resolve));
    const error = await fetch(`http://127.0.0.1:${port}/`).catch((error: unknown) => error);
    expect(outsideError(error)).toMatchObject({
      exitCode: 3,
      message: `cannot connect to 127.0.0.1:${port}: connection refused (ECONNREFUSED)`,
      hint: expect.stringContaining("cdc-features up"),
    });
  });
});

it("an error of the program itself stays one", () => {
  expect(outsideError(new TypeError("x is undefined"))).toBeUndefined();
  expect(
    outsideError(new Error("odd", { cause: Object.assign(new Error(), { syscall: "open" }) })),
  ).toBeUndefined();
});
