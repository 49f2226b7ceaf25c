import { createServer } from "node:net";
import { describe, expect, it } from "vitest";
import { isFree, ownerOf } from "../../../src/platform/ports.ts";

describe("a port that something listens on", () => {
  it("is not free, and its owner is named", async () => {
    const server = createServer();
    const port = await new Promise<number>((resolve) => {
      server.listen(0, "127.0.0.1", () => resolve((server.address() as { port: number }).port));
    });
    expect(await isFree(port)).toBe(false);
    expect(await ownerOf(port)).toContain(`pid ${process.pid}`);
    await new Promise((resolve) => server.close(resolve));
    expect(await isFree(port)).toBe(true);
  });
});
