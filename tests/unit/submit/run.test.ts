/** The life of a run, with a shell script in the place of spark-submit. */
import { spawn } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import type { Driver } from "../../../src/platform/driver.ts";
import { readIfExists } from "../../../src/platform/files.ts";
import { startTimeOf } from "../../../src/platform/processes.ts";
import { localStorage, type Storage } from "../../../src/platform/storage.ts";
import { runJob, runningJob, stopJob } from "../../../src/submit/run.ts";
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
function prepared(
  script: string,
  driver: Driver = { kind: "local" },
  prepare: () => Promise<void> = async () => {},
  continuous = true,
) {
  const stateDir = temporaryFolder();
  const storage: Storage = {
    ...localStorage({ offline: "", checkpoints: stateDir, deadLetters: "" }),
    notes: {
      read: readIfExists,
      write: async (place, text) => {
        mkdirSync(path.dirname(place), { recursive: true });
        writeFileSync(place, text);
      },
    },
  };
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
        driver,
        batchRecords: 1000,
        master: "local",
        env: { PATH: process.env.PATH },
        conf: {},
      },
      kafka: { brokers: "" },
      topicPrefix: "shop",
      redis: { url: "" },
      storage,
      sink: "dual",
      continuous,
      trigger: "1 second",
      mode: "micro-batch",
      onFail: "fail",
      realtimeBatch: "10 minutes",
      signal: interrupt.signal,
      prepare,
      onEvent: () => {},
    });
  const isJobAlive = () => startTimeOf(Number(readFileSync(`${stateDir}/pid`, "utf8"))) !== undefined;
  const remote = path.join(stateDir, "_runs", "customer");
  return {
    stateDir,
    folder,
    storage,
    run,
    interrupt,
    isJobAlive,
    stop: path.join(remote, "stop"),
    report: path.join(remote, "report.json"),
  };
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

  it("that was told to end by somebody else has not succeeded, unless it goes on for ever", async () => {
    const said = `echo '@cdc-features ${FINISHED.replace("}", ',"stopped":true}')}'`;
    const once = prepared(said, undefined, undefined, false);
    await expect(once.run()).rejects.toThrow(/was stopped/);
    expect(await prepared(said).run()).toMatchObject({ read: 3, stopped: true });
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

describe("a driver elsewhere in a cluster", () => {
  const ELSEWHERE: Driver = { kind: "uploaded" };
  const started = (runId: string) =>
    JSON.stringify({ event: "started", pid: 1, application_id: "a", run_id: runId });
  /** Writes a report as the driver of the run that the stop file names. */
  const tell = (folder = "../../_runs/customer") =>
    `cat > ${folder}/report.json <<E\n[${started(`$(cat ${folder}/stop)`)},${FINISHED}]\nE\n`;

  it("is heard by the report that it leaves", async () => {
    const { run } = prepared(tell(), ELSEWHERE);
    expect(await run()).toMatchObject({ read: 3 });
  });

  it("of an earlier run is ended and waited for, since two would share one checkpoint", async () => {
    const { run, storage, stop, report, folder } = prepared(
      `cp ${"../../_runs/customer"}/report.json seen; ${tell()}`,
      ELSEWHERE,
    );
    await storage.notes?.write(stop, "earlier");
    await storage.notes?.write(report, `[${started("earlier")}]`);
    const ended = run();
    await expect.poll(() => readFileSync(stop, "utf8")).not.toBe("earlier");
    writeFileSync(report, `[${started("earlier")},${FINISHED}]`);
    expect(await ended).toMatchObject({ read: 3 });
    expect(readFileSync(path.join(folder.folder, "seen"), "utf8")).toContain("finished");
  });

  it("is not taken for another, whose report is still there", async () => {
    const { run, storage, report } = prepared("exit 1", ELSEWHERE);
    await storage.notes?.write(report, `[${started("earlier")},${FINISHED}]`);
    await expect(run()).rejects.toThrow(/the job of customer failed/);
  });

  it("may go on when its submission has ended: the next run, and `down`, can still tell", async () => {
    const tellNoEnd = `echo "[${started("ID").replaceAll('"', '\\"')}]" | sed "s/ID/$(cat ../../_runs/customer/stop)/" > ../../_runs/customer/report.json`;
    const { run, report, folder, stop } = prepared(`${tellNoEnd}; exit 1`, ELSEWHERE);
    await expect(run()).rejects.toThrow(/the job of customer failed/);
    expect(existsSync(report)).toBe(true);
    expect(JSON.parse(readFileSync(folder.job, "utf8"))).toMatchObject({ remoteStop: stop });
  });

  it("that had to make room for another says so, and leaves what is the other's", async () => {
    const folder = "../../_runs/customer";
    const { run, report, stop } = prepared(
      `echo other > ${folder}/stop; echo '[${started("other")}]' > ${folder}/report.json; exit 1`,
      ELSEWHERE,
    );
    await expect(run()).rejects.toThrow(/another run has begun \(other\)/);
    expect(readFileSync(report, "utf8")).toContain("other");
    expect(readFileSync(stop, "utf8")).toBe("other\n");
  });

  it("is all that a submission waits for, so that the next run ends both", async () => {
    const { run, folder, storage, stop, report } = prepared(tell(), ELSEWHERE);
    const waiting = spawn("sleep", ["60"], { detached: true, stdio: "ignore" });
    const startedAt = startTimeOf(waiting.pid as number);
    writeFileSync(folder.job, JSON.stringify({ pid: waiting.pid, startedAt, remoteStop: stop }));
    await storage.notes?.write(report, `[${started("earlier")},${FINISHED}]`);
    expect(await run()).toMatchObject({ read: 3 });
    expect(waiting.signalCode).toBe("SIGKILL");
  });

  it("that is waited for leaves all as it is when the wait is broken off", async () => {
    const prepares: string[] = [];
    const { run, storage, stop, report, interrupt, folder } = prepared(
      "touch submitted",
      ELSEWHERE,
      async () => {
        prepares.push("prepared");
      },
    );
    await storage.notes?.write(report, `[${started("earlier")}]`);
    const ended = run();
    await expect.poll(() => existsSync(stop) && readFileSync(stop, "utf8")).toBe("");
    interrupt.abort();
    writeFileSync(report, `[${started("earlier")},${FINISHED}]`);
    await expect(ended).rejects.toThrow(/was stopped/);
    expect(prepares).toEqual([]);
    expect(existsSync(path.join(folder.folder, "submitted"))).toBe(false);
  });

  it("has its settings in a shared folder until it has ended, and those of another run stay there", async () => {
    const shared = path.join(temporaryFolder(), "driver");
    const driver: Driver = { kind: "shared", folder: shared, jars: [] };
    const settings = path.join(shared, "settings.json");
    const withLibrary = ({ stateDir, folder }: typeof once) => {
      mkdirSync(path.join(stateDir, "cdc_features"));
      writeFileSync(folder.script, "");
    };
    const once = prepared(tell(), driver);
    withLibrary(once);
    await once.run();
    expect(existsSync(settings)).toBe(false);
    const taken = prepared(`${tell()}echo '{"run_id":"other"}' > ${settings}`, driver);
    withLibrary(taken);
    await taken.run();
    expect(readFileSync(settings, "utf8")).toContain("other");
  });

  it("is told to stop at Ctrl-C", async () => {
    const { run, interrupt, stop, folder } = prepared(
      `while [ -s ../../_runs/customer/stop ]; do sleep 0.1; done; exit 1`,
      ELSEWHERE,
    );
    const ended = run();
    await expect.poll(() => runningJob(folder)).toBeDefined();
    interrupt.abort();
    await expect(ended).rejects.toThrow(/was stopped/);
    expect(readFileSync(stop, "utf8")).toBe("");
  });

  it("is told to stop by `down`, though its command and spark-submit are gone", async () => {
    const { folder, storage, stop } = prepared("", ELSEWHERE);
    await storage.notes?.write(stop, "its run");
    writeFileSync(folder.job, JSON.stringify({ pid: 2 ** 22, startedAt: "0", remoteStop: stop }));
    await stopJob(folder, async () => storage);
    expect(readFileSync(stop, "utf8")).toBe("");
    expect(existsSync(folder.job)).toBe(false);
  });
});
