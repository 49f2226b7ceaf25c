/** One stack for all end-to-end tests, in a project folder of its own, gone afterwards. */
import { mkdtempSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import type { TestProject } from "vitest/node";
import { cli } from "./cli.ts";

declare module "vitest" {
  interface ProvidedContext {
    project: string;
  }
}

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const folder = mkdtempSync(path.join(os.tmpdir(), "cdc-features-e2e-"));
  project.provide("project", folder);
  const tearDown = async () => {
    await cli(folder, ["down", "--purge"]);
    rmSync(folder, { recursive: true, force: true });
  };
  const up = await cli(folder, ["up", "--no-demo-data", "--json"]);
  if (up.exitCode === 0) return tearDown;
  // Some of the servers may run.
  await tearDown();
  throw new Error(`the stack did not start:\n${up.stderr}`);
}
