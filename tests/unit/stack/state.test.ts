import { writeFileSync } from "node:fs";
import { createServer } from "node:net";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { EnvironmentError } from "../../../src/errors.ts";
import { loadState, newState, PORTS, saveState } from "../../../src/stack/embedded/state.ts";
import { homeOf } from "../../../src/stack/home.ts";
import { choosePorts, claimPort } from "../../../src/stack/project-ports.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";

const home = () => homeOf(temporaryFolder(), {});

describe("ports", () => {
  it("are different, below 32768, and other ones for another project", async () => {
    const [a, b] = await Promise.all([choosePorts(home().state, PORTS), choosePorts(home().state, PORTS)]);
    expect(new Set(Object.values(a)).size).toBe(PORTS.length);
    for (const port of Object.values(a)) expect(port).toBeLessThan(32_768);
    expect(a).not.toEqual(b);
  });

  it("that are taken are skipped, and a remembered one is explained with its owner", async () => {
    const project = home();
    const { postgres } = await choosePorts(project.state, PORTS);
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(postgres, "127.0.0.1", resolve));
    expect(Object.values(await choosePorts(project.state, PORTS))).not.toContain(postgres);
    const refused = await claimPort("postgres", postgres).catch((error) => error);
    expect(refused).toBeInstanceOf(EnvironmentError);
    expect(refused.message).toMatch(
      new RegExp(`port ${postgres}, remembered for postgres, is taken by .*pid ${process.pid}`),
    );
    expect(refused.hint).toContain("--new-ports");
    await new Promise((resolve) => server.close(resolve));
  });
});

describe("the state", () => {
  it("comes back as it was saved", async () => {
    const project = home();
    const state = {
      ...(await newState(project)),
      processes: { redis: { pid: 7, startedAt: "1" } },
      memory: { demoData: "seeded" as const },
    };
    saveState(project, state);
    expect(await loadState(project)).toEqual(state);
  });

  it("is the last one saved, though several are saved at a time", async () => {
    const project = home();
    const state = await newState(project);
    await Promise.all(
      Array.from({ length: 40 }, (_, i) =>
        saveState(project, { ...state, processes: { redis: { pid: i + 1, startedAt: "1" } } }),
      ),
    );
    expect((await loadState(project))?.processes.redis?.pid).toBe(40);
  });

  it("that is damaged is an error with the way out", async () => {
    const project = home();
    saveState(project, await newState(project));
    writeFileSync(path.join(project.state, "stack.json"), '{"version":1}');
    await expect(loadState(project)).rejects.toThrow(/cannot be read/);
  });
});

describe("the project's folders", () => {
  it("follow the environment", () => {
    expect(homeOf("/work", { HOME: "/home/a" })).toMatchObject({
      state: "/work/.cdc-features",
      cache: "/home/a/.cache/cdc-features",
    });
    expect(homeOf("/work", { CDC_FEATURES_HOME: "/elsewhere", XDG_CACHE_HOME: "/c" })).toMatchObject({
      state: "/elsewhere",
      cache: "/c/cdc-features",
    });
    expect(homeOf("/work", { CDC_FEATURES_CACHE: "own" }).cache).toBe("/work/own");
  });
});
