/** The servers: idempotent, side by side, remembered, and gone when asked to. */
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import os from "node:os";
import path from "node:path";
import { execa } from "execa";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { DryRun } from "../../src/cli/dry-run.ts";
import { isFree } from "../../src/platform/ports.ts";
import { cli, startCli } from "./support/cli.ts";
import { projectFolder, stack } from "./support/stack.ts";

describe("a second project beside the first", () => {
  let other: string;
  let ports: number[];
  beforeAll(() => {
    other = mkdtempSync(path.join(os.tmpdir(), "cdc-features-other-"));
  });
  afterAll(async () => {
    await cli(other, ["down", "--purge"]);
    rmSync(other, { recursive: true, force: true });
  });

  it("ends its start at Ctrl-C, and goes on the next time", async () => {
    const up = startCli(other, ["up", "--no-demo-data"]);
    const state = path.join(other, ".cdc-features", "stack.json");
    await expect
      .poll(() => existsSync(state) && readFileSync(state, "utf8"), { timeout: 20_000 })
      .toContain("pid");
    up.kill("SIGINT");
    expect((await up).exitCode).toBe(130);
  });

  it("starts on ports of its own, all below 32768 and on 127.0.0.1", async () => {
    const up = await cli(other, ["up", "--no-demo-data", "--json"]);
    expect(up.exitCode, up.stderr).toBe(0);
    const { endpoints, target, stateDir } = JSON.parse(up.stdout);
    expect(target).toBe("embedded");
    expect(stateDir).toBe(path.join(other, ".cdc-features"));
    ports = [endpoints.postgres, `tcp://${endpoints.kafka}`, endpoints.connect, endpoints.redis].map((url) =>
      Number(new URL(url).port),
    );
    const first = await stack();
    for (const [i, url] of [first.postgres, `tcp://${first.kafka}`, first.connect, first.redis].entries()) {
      expect(ports[i]).not.toBe(Number(new URL(url).port));
      expect(ports[i]).toBeLessThan(32_768);
    }
  });

  it("is up already the second time, with the same endpoints, whatever a table is named", async () => {
    expect((await cli(other, ["sql", 'CREATE TABLE "my tâble" (id int PRIMARY KEY)'])).exitCode).toBe(0);
    const [a, b] = [await cli(other, ["up", "--no-demo-data", "--json"]), await cli(other, ["up", "--json"])];
    expect(a.stdout).toBe(b.stdout);
    const status = JSON.parse((await cli(other, ["status", "--json"])).stdout);
    expect(status.servers.map((server: { state: string }) => server.state)).toEqual([
      "running",
      "running",
      "running",
      "running",
    ]);
  });

  it("ends with down, explains a port that somebody took meanwhile, and takes another when told", async () => {
    expect((await cli(other, ["down"])).exitCode).toBe(0);
    for (const port of ports) expect(await isFree(port)).toBe(true);

    const squatter = createServer();
    await new Promise<void>((resolve) => squatter.listen(ports[3], "127.0.0.1", resolve));
    const refused = await cli(other, ["up", "--no-demo-data"]);
    expect(refused.exitCode).toBe(3);
    expect(refused.stderr).toContain(`port ${ports[3]}, remembered for redis, is taken by`);
    expect(refused.stderr).toContain(`pid ${process.pid}`);
    const moved = await cli(other, ["up", "--no-demo-data", "--new-ports", "--json"]);
    expect(moved.exitCode, moved.stderr).toBe(0);
    expect(JSON.parse(moved.stdout).endpoints.redis).not.toContain(`:${ports[3]}/`);
    await new Promise((resolve) => squatter.close(resolve));
  });

  it("leaves nothing behind after down --purge", async () => {
    expect((await cli(other, ["down", "--purge"])).exitCode).toBe(0);
    expect(existsSync(path.join(other, ".cdc-features"))).toBe(false);
    const status = JSON.parse((await cli(other, ["status", "--json"])).stdout);
    expect(status.servers.every((server: { state: string }) => server.state === "stopped")).toBe(true);
  });

  it("finds its servers again though their state was removed, and ends them with down --purge", async () => {
    const up = await cli(other, ["up", "--no-demo-data", "--json"]);
    expect(up.exitCode, up.stderr).toBe(0);
    rmSync(path.join(other, ".cdc-features"), { recursive: true, force: true, maxRetries: 5 });
    const refused = await cli(other, ["up", "--no-demo-data"]);
    expect(refused.exitCode).toBe(3);
    expect(refused.stderr).toMatch(/still run \(pid \d+/);
    expect((await cli(other, ["down", "--purge"])).exitCode).toBe(0);
    for (const url of Object.values<string>(JSON.parse(up.stdout).endpoints)) {
      const port = Number(/127\.0\.0\.1:(\d+)/.exec(url)?.[1]);
      if (port > 0) expect(await isFree(port), url).toBe(true);
    }
    expect(existsSync(path.join(other, ".cdc-features"))).toBe(false);
  });
});

describe("the command line", () => {
  it("names what is wrong: an unknown set, a broken definition, an unknown server, no stack", async () => {
    const project = projectFolder();
    const unknown = await cli(project, ["run", "custmer"]);
    expect(unknown).toMatchObject({ exitCode: 2, stdout: "" });
    expect(unknown.stderr).toContain("Did you mean customer?");
    expect(await cli(project, ["logs", "kafak"])).toMatchObject({ exitCode: 2 });
    expect(
      await cli(os.tmpdir(), ["sql", "SELECT 1"], {
        CDC_FEATURES_HOME: path.join(os.tmpdir(), "no-such-home"),
      }),
    ).toMatchObject({ exitCode: 3 });
    expect(await cli(project, ["run"])).toMatchObject({ exitCode: 2 });
    expect(await cli(project, ["frobnicate"])).toMatchObject({ exitCode: 2 });
  });

  it("answers sql, as text and as JSON", async () => {
    const result = await cli(projectFolder(), [
      "sql",
      "SELECT 0.10::numeric AS amount, NULL AS nothing",
      "--json",
    ]);
    expect(JSON.parse(result.stdout)).toMatchObject([
      { columns: ["amount", "nothing"], rows: [["0.10", null]] },
    ]);
    expect((await cli(projectFolder(), ["sql", "SELEC 1"])).exitCode).toBe(2);
  });
});

describe("Spark's classes", () => {
  it("come out of an image once there is one, which nobody waits for", async () => {
    const dryRun = async (): Promise<DryRun> =>
      JSON.parse((await cli(projectFolder(), ["run", "customer", "--dry-run", "--json"])).stdout).dryRuns[0];
    await expect
      .poll(async () => (await dryRun()).command.join(" "), { timeout: 300_000, interval: 5_000 })
      .toContain("-XX:SharedArchiveFile=");
    const { command, environment } = await dryRun();
    const given = (name: string) => command.find((argument) => argument.startsWith(`${name}=`));
    const conf = [
      `${given("spark.driver.extraClassPath")}`,
      // Java ends where it does not take the image.
      `${given("spark.driver.extraJavaOptions")} -Xshare:on`,
    ];
    const options = [...conf.flatMap((one) => ["--conf", one]), "--version"];
    const told = await execa(`${command[0]}`, options, { env: environment, reject: false, all: true });
    expect(told.exitCode, told.all).toBe(0);
    expect(told.all).toContain("version 4.1.1");
  });
});
