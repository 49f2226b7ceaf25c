/** `run`, on a stack that is always up and a shell script in the place of spark-submit. */
import { chmodSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { Chalk } from "chalk";
import { Command } from "commander";
import { describe, expect, it } from "vitest";
import type { Context } from "../../../src/cli/context.ts";
import { run } from "../../../src/cli/run.ts";
import { MODES, type Mode } from "../../../src/definition/mode.ts";
import { silent } from "../../../src/platform/progress.ts";
import { localStorage } from "../../../src/platform/storage.ts";
import type { Endpoints, LocalSpark, Stack } from "../../../src/stack/stack.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";
import { call } from "./support.ts";

const COUNTS = { read: 3, applied: 3, duplicates: 0, late: 0, dead_letters: 0, ignored: 0 };
const FINISHED = {
  event: "finished",
  ...COUNTS,
  entities_written: 1,
  batches: 1,
  state_rows: 2,
  state_bytes: 0,
  seconds: 1.5,
};

const NOWHERE: Endpoints = {
  postgres: undefined,
  kafka: { brokers: "" },
  connect: undefined,
  redis: { url: "redis://127.0.0.1:1/0" },
  offline: "",
};

const callRun = (...args: string[]) => callRunOn(MODES, ...args);

async function callRunOn(modes: readonly Mode[], ...args: string[]) {
  const folder = temporaryFolder();
  const sparkSubmit = path.join(folder, "spark-submit");
  const jobs = `echo "$*" > ${folder}/arguments
  case "$*" in
    *product*) echo "java.lang.Error: out of luck"; exit 1;;
    *) echo '@cdc-features ${JSON.stringify(FINISHED)}';;
  esac`;
  writeFileSync(sparkSubmit, `#!/bin/sh\n${jobs}\n`);
  chmodSync(sparkSubmit, 0o755);
  const stack: Partial<Stack> = {
    stateDir: path.join(folder, ".cdc-features"),
    topicPrefix: "shop",
    endpoints: async () => NOWHERE,
    up: async () => NOWHERE,
    memory: async () => ({ demoData: "declined" }),
    captureCaughtUp: async () => {},
    storage: async () => localStorage({ offline: folder, checkpoints: folder, deadLetters: folder }),
    hasShop: false,
    modes,
    target: "embedded",
    spark: async ({ conf }) => ({
      command: [sparkSubmit],
      driver: { kind: "local" },
      batchRecords: 5,
      master: "local",
      env: { PATH: process.env.PATH },
      conf,
    }),
  };
  const out: string[] = [];
  const plain = new Chalk({ level: 0 });
  const context: Context = {
    cwd: folder,
    terminal: {
      paint: plain,
      paintOut: plain,
      isTerminal: false,
      columns: 80,
      say: () => {},
      print: (text) => out.push(text),
    },
    progress: silent,
    stack: () => stack as Stack,
    localSpark: () => stack as unknown as LocalSpark,
    interruption: () => new AbortController().signal,
    exitWith: () => {},
  };
  const program = new Command();
  run(program, context);
  const failure = await program.parseAsync(["run", ...args], { from: "user" }).then(
    () => undefined,
    (error: unknown) => error,
  );
  const file = path.join(folder, "arguments");
  const submitted = existsSync(file) ? readFileSync(file, "utf8") : "";
  return { stdout: out.join("\n"), failure, submitted };
}

describe("run of two sets of which one fails", () => {
  it("still prints the one JSON document, with the run that did finish", async () => {
    const { stdout, failure } = await callRun("customer", "product", "--json");
    expect(JSON.parse(stdout)).toMatchObject({ runs: [{ featureSet: "customer", read: 3, deadLetters: 0 }] });
    expect(failure).toMatchObject({
      exitCode: 4,
      message: expect.stringMatching(/product.*\n.*out of luck/),
    });
  });

  it("still sums up the run that did finish", async () => {
    const { stdout, failure } = await callRun("customer", "product");
    expect(stdout).toMatch(/customer: 1 entities written[\s\S]*3 events read = 3 applied/);
    expect(failure).toMatchObject({ exitCode: 4 });
  });
});

describe("run of one set", () => {
  it("that is named twice is one run", async () => {
    const { stdout, failure } = await callRun("customer", "customer", "--json");
    expect(failure).toBeUndefined();
    expect(JSON.parse(stdout).runs).toHaveLength(1);
  });

  it("gathers changes as long as it is told", async () => {
    const settings = async (...more: string[]) =>
      JSON.parse((await callRun("customer", "--dry-run", "--json", ...more)).stdout).dryRuns[0].settings;
    expect(await settings()).toMatchObject({ trigger_interval: "200 milliseconds", max_batch_records: 5 });
    expect(await settings("--batch-records", "1000")).toMatchObject({ max_batch_records: 1000 });
    expect(await settings("--continuous", "--trigger", "5 minutes")).toMatchObject({
      trigger_interval: "5 minutes",
    });
    const { exitCode, stderr } = await call(process.cwd(), "run", "customer", "--trigger", "5m");
    expect(exitCode).toBe(2);
    expect(stderr).toContain('"5m" is not a duration: it is 5 minutes.');
    const refused = async (...args: string[]) => {
      const { exitCode, stderr } = await call(process.cwd(), "run", "customer", "--trigger", ...args);
      return [exitCode, stderr];
    };
    expect(await refused("999999999 weeks", "--continuous")).toEqual([
      2,
      expect.stringContaining("It is 36500 days at most."),
    ]);
    expect(await refused("5 minutes")).toEqual([2, expect.stringContaining("add --continuous")]);
  });

  it("hands settings of Spark on, over those of the target", async () => {
    const { submitted } = await callRun("customer", "--conf", "spark.a=1=2", "--conf", "spark.b=x");
    expect(submitted).toMatch(/--conf spark\.a=1=2 --conf spark\.b=x /);
    const { submitted: shown, stdout } = await callRun("customer", "--conf", "spark.a=3", "--dry-run");
    expect(shown).toBe("");
    expect(stdout).toMatch(
      /spark-submit \\\n {2}--master local[\s\S]*--conf spark\.a=3 \\\n[\s\S]*customer_features\.py/,
    );
  });
});

describe("the mode of a run", () => {
  const dryRun = async (...args: string[]) => {
    const { stdout, failure } = await callRun(...args, "--dry-run", "--json");
    expect(failure).toBeUndefined();
    return JSON.parse(stdout).dryRuns[0];
  };

  it("is told to the job, with a topic, a checkpoint and a script of real-time mode's own", async () => {
    const usual = await dryRun("customer");
    expect(usual.settings).toMatchObject({ mode: "micro-batch", features_topic: null });
    expect(usual.settings.checkpoint).toMatch(/customer\/dual$/);
    expect(readFileSync(usual.script, "utf8")).toContain("job.main(");
    const realtime = await dryRun("customer", "--mode", "realtime", "--continuous");
    expect(realtime.settings).toMatchObject({
      mode: "realtime",
      features_topic: "shop.features.customer",
      realtime_batch: "10 minutes",
      sink: "dual",
    });
    expect(realtime.settings.checkpoint).toMatch(/customer\/realtime$/);
    expect(readFileSync(realtime.script, "utf8")).toContain("realtime.main(");
  });

  it("has batches of five seconds at least, in a run that goes on", async () => {
    const long = ["--mode", "realtime", "--realtime-batch", "5 seconds"];
    expect((await dryRun("customer", ...long, "--continuous")).settings.realtime_batch).toBe("5 seconds");
    expect((await callRun("customer", ...long)).failure).toMatchObject({ exitCode: 2 });
    const { exitCode, stderr } = await call(
      process.cwd(),
      "run",
      "customer",
      "--realtime-batch",
      "4 seconds",
    );
    expect([exitCode, stderr]).toEqual([2, expect.stringContaining("It is 5 seconds at least.")]);
  });

  it("is refused where it cannot be, with the way out", async () => {
    const refused = async (modes: readonly Mode[], ...args: string[]) => {
      const { failure } = await callRunOn(modes, ...args, "--mode", "realtime", "--dry-run");
      return failure as { exitCode: number; message: string; hint: string };
    };
    const several = await refused(MODES, "customer_360");
    expect(several).toMatchObject({ exitCode: 2 });
    expect(several.message).toMatch(/several a set is as of now \(windows in .*customer_360\.yaml\)/);
    expect(several.hint).toContain("`cdc-features run customer_360 --mode micro-batch`");
    expect(await refused(MODES, "customer", "--sink", "redis")).toMatchObject({
      exitCode: 2,
      message: expect.stringContaining("--sink says redis"),
    });
    expect(await refused(["micro-batch"], "customer")).toMatchObject({
      exitCode: 2,
      hint: expect.stringContaining("--target embedded"),
    });
  });
});
