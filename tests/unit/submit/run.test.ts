/** The life of a run, with a shell script in the place of spark-submit. */
import { chmodSync, existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { startTimeOf } from "../../../src/platform/processes.ts";
import { localStorage } from "../../../src/platform/storage.ts";
import { runJob, runningJob } from "../../../src/submit/run.ts";
import { runFolder } from "../../../src/submit/run-folder.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";

const FINISHED = JSON.stringify({
  event: "finished",
  read: 3,
  applied: 3,
  duplicates: 0,
  late: 0,
  dead_letters: 0,
  ignored: 0,
  entities_written: 1,
  batches: 1,
  state_rows: 2,
  state_bytes: 0,
  seconds: 1.5,
});

/** A run whose job is `script`; its folder is made, so that a test can prepare it. */
function prepared(script: string) {
  const stateDir = temporaryFolder();
  const folder = runFolder(stateDir, "customer");
  mkdirSync(folder.folder, { recursive: true });
  const sparkSubmit = path.join(stateDir, "spark-submit");
  writeFileSync(sparkSubmit, `#!/bin/sh\necho $$ > ${stateDir}/pid\n${script}\n`);
  chmodSync(sparkSubmit, 0o755);
  const interrupt = new AbortController();
  const run = () =>
    runJob({
      featureSet: "customer",
      folder,
      pythonPath: stateDir,
      spark: {
        command: [sparkSubmit],
        driver: { kind: "local" },
        master: "local",
        env: { PATH: process.env.PATH },
        conf: {},
      },
      kafka: { brokers: "" },
      topicPrefix: "shop",
      redis: { url: "" },
      storage: localStorage({ offline: "", checkpoints: "", deadLetters: "" }),
      sink: "dual",
      inStep: true,
      continuous: true,
      signal: interrupt.signal,
      prepare: async () => {},
      onEvent: () => {},
    });
  const isJobAlive = () => startTimeOf(Number(readFileSync(`${stateDir}/pid`, "utf8"))) !== undefined;
  return { folder, run, interrupt, isJobAlive };
}

describe("a job", () => {
  it("may leave an event unfinished: the line goes to the log, and the failure shows it", async () => {
    const { folder, run } = prepared(`echo '@cdc-features {"event":"progr'; exit 137`);
    await expect(run()).rejects.toThrow(/the job of customer failed\n@cdc-features \{"event":"progr/);
    expect(readFileSync(folder.log, "utf8")).toBe('@cdc-features {"event":"progr\n');
  });

  it("goes on after a line that is no event", async () => {
    const { run } = prepared(`echo '@cdc-features {"event":"new"}'; echo '@cdc-features ${FINISHED}'`);
    expect(await run()).toMatchObject({ read: 3 });
  });

  it("goes on, however much it says, when its log cannot be written", async () => {
    const { folder, run } = prepared(
      `yes text | head -n 30000 >&2; yes text | head -n 30000; echo '@cdc-features ${FINISHED}'`,
    );
    mkdirSync(folder.log);
    expect(await run()).toMatchObject({ read: 3 });
  });

  it("is ended when it could not be found again", async () => {
    const { folder, run } = prepared("sleep 1; touch went-on");
    const nowhere = path.join(folder.folder, "nowhere");
    symlinkSync(path.join(folder.folder, "gone"), nowhere);
    folder.job = path.join(nowhere, "job.json");
    await expect(run()).rejects.toThrow(/nowhere/);
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    expect(existsSync(path.join(folder.folder, "went-on"))).toBe(false);
  });

  it("is ended at once when it cannot be asked to", async () => {
    const { folder, run, interrupt, isJobAlive } = prepared("sleep 60");
    const ended = run();
    await expect.poll(() => runningJob(folder)).toBeDefined();
    mkdirSync(folder.stop);
    interrupt.abort();
    await expect(ended).rejects.toThrow(/was stopped/);
    expect(isJobAlive()).toBe(false);
  });
});

describe("a note of a job", () => {
  it.each(["", "{", "{}", '{"pid":"x","startedAt":""}'])("that is broken (%j) names none", async (text) => {
    const { folder, run } = prepared(`echo '@cdc-features ${FINISHED}'`);
    writeFileSync(folder.job, text);
    expect(await runningJob(folder)).toBeUndefined();
    expect(await run()).toMatchObject({ read: 3 });
  });
});
