import { existsSync, readdirSync, statSync } from "node:fs";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import path from "node:path";
import type { Command } from "commander";
import type { Diagnostic } from "../definition/diagnostics.ts";
import type { FeatureSet } from "../definition/feature-set.ts";
import { EXIT, InterruptedError, JobError, UsageError } from "../errors.ts";
import { byJob } from "../golden/by-job.ts";
import { byVerifier } from "../golden/by-verifier.ts";
import { compareCase } from "../golden/compare.ts";
import type { GoldenCase } from "../golden/golden-case.ts";
import { goldenJunit } from "../golden/junit.ts";
import { type GoldenForm, parseCases, parseForm } from "../golden/parse.ts";
import { type CaseReport, goldenReport } from "../golden/report.ts";
import { writeFileAtomic } from "../platform/files.ts";
import { provenanceOf, writeJob } from "../render/write-job.ts";
import { PACKAGE_ROOT } from "../stack/home.ts";
import { runCases } from "../submit/golden.ts";
import type { JobGoldenCase } from "../submit/job-events.ts";
import type { Context } from "./context.ts";
import {
  type Definition,
  definitionProblems,
  findDefinition,
  isPath,
  readDefinition,
} from "./definitions.ts";
import { json, option } from "./options.ts";
import { goldenLines } from "./report/golden.ts";

interface TestOptions {
  json?: boolean;
  junit?: string;
}

const TEST_FILE = /\.test\.ya?ml$/;

export function test(program: Command, context: Context): void {
  program
    .command("test [files...]")
    .description(
      "run golden tests, through the job and through the verifier (default: tests/*.test.yaml; a folder: those in it)",
    )
    .addOption(json())
    .addOption(option("--junit <file>", "write a JUnit report, too"))
    .action(async (files: string[], options: TestOptions) => {
      const tests = await loadTests(testFiles(files, context.cwd), context.cwd);
      const reports = await runAll(tests, context);
      const report = goldenReport(reports);
      if (options.junit !== undefined)
        await writeFileAtomic(path.resolve(context.cwd, options.junit), goldenJunit(reports));
      context.terminal.print(
        options.json ? JSON.stringify(report) : goldenLines(report, context.terminal.paintOut),
      );
      const failed = reports.find(({ error }) => error !== undefined);
      if (failed !== undefined) throw new JobError(`the job failed in "${failed.name}": ${failed.error}`);
      if (!report.ok) context.exitWith(EXIT.differ);
    });
}

/** Absolute paths, each once. */
function testFiles(given: string[], cwd: string): string[] {
  const places = given.length > 0 ? given : ["tests"];
  const files = places.flatMap((place) => {
    const file = path.resolve(cwd, place);
    if (!existsSync(file) && given.length > 0)
      throw new UsageError(`there is no ${place}`, {
        hint: "Name files of golden tests, or folders of them.",
      });
    return existsSync(file) && statSync(file).isDirectory() ? testFilesIn(file) : [file];
  });
  if (files.length === 0 || !existsSync(files[0] as string)) {
    throw new UsageError(`there are no golden tests in ${places.join(", ")}`, {
      hint: "Their names end in .test.yaml; `cdc-features init` makes a project with one.",
    });
  }
  return [...new Set(files)];
}

function testFilesIn(folder: string): string[] {
  return readdirSync(folder)
    .filter((name) => TEST_FILE.test(name))
    .sort()
    .map((name) => path.join(folder, name));
}

interface Test {
  /** As it is told. */
  file: string;
  definition: Definition;
  golden: GoldenCase;
}

/** Throws one UsageError with all problems of all files and of the definitions that they name. */
async function loadTests(files: string[], cwd: string): Promise<Test[]> {
  const diagnostics: Diagnostic[] = [];
  const forms: { form: GoldenForm; definitionFile: string }[] = [];
  for (const file of files) {
    const relative = path.relative(cwd, file);
    const shown = relative.startsWith("..") ? file : relative;
    const parsed = parseForm(await readFile(file, "utf8"), shown);
    diagnostics.push(...parsed.diagnostics);
    if (parsed.form === undefined) continue;
    try {
      forms.push({ form: parsed.form, definitionFile: definitionOf(parsed.form, file, cwd) });
    } catch (error) {
      if (!(error instanceof UsageError)) throw error;
      diagnostics.push(noFeatureSet(parsed.form, error));
    }
  }
  const definitions = new Map<string, Definition>();
  for (const file of new Set(forms.map(({ definitionFile }) => definitionFile))) {
    const { featureSet, diagnostics: problems, ...about } = await readDefinition(file, cwd);
    diagnostics.push(...problems);
    if (featureSet !== undefined) definitions.set(file, { ...about, featureSet });
  }
  const tests: Test[] = [];
  for (const { form, definitionFile } of forms) {
    const definition = definitions.get(definitionFile);
    if (definition === undefined) continue;
    const { cases, diagnostics: problems } = parseCases(form, definition.featureSet);
    diagnostics.push(...problems);
    tests.push(...cases.map((golden) => ({ file: form.file, definition, golden })));
  }
  if (diagnostics.length > 0) throw definitionProblems(diagnostics, "in the golden tests");
  return tests;
}

/** As `run` resolves it; a path may also be meant from where the test's file is, so that both can be passed on together. */
function definitionOf({ featureSet }: GoldenForm, file: string, cwd: string): string {
  const beside = path.resolve(path.dirname(file), featureSet);
  return isPath(featureSet) && existsSync(beside) ? beside : findDefinition(featureSet, cwd);
}

function noFeatureSet({ file, source }: GoldenForm, { message, hint }: UsageError): Diagnostic {
  const told = hint === undefined ? message : `${message}. ${hint}`;
  return { file, ...source.placeOf({ path: ["feature_set"] }), rule: "unknown-feature-set", message: told };
}

async function runAll(tests: Test[], context: Context): Promise<CaseReport[]> {
  const local = context.localSpark();
  const spark = await local.setUpSpark(context.progress);
  const folder = await mkdtemp(path.join(local.stateDir, "tmp", "golden-"));
  const remove = () => rm(folder, { recursive: true, force: true });
  const scripts = await writeJobs(tests, folder);
  const told = new Map<number, JobGoldenCase>();
  const signal = context.interruption();
  try {
    await context.progress.step(`${tests.length} golden tests`, async (step) => {
      step.update("starting Spark");
      await runCases({
        folder,
        cases: tests.map(({ definition, golden: { batches, asOfMs } }) => {
          return { script: scripts.get(definition.file) as string, batches, asOfMs };
        }),
        pythonPath: path.join(PACKAGE_ROOT, "spark-jobs"),
        spark,
        signal,
        onCase: (one) => {
          told.set(one.number, one);
          step.update(`${told.size} of ${tests.length}`);
        },
      });
    });
  } catch (error) {
    // What a job that failed leaves is there to be looked at, its log above all.
    if (error instanceof InterruptedError) await remove();
    throw error;
  }
  await remove();
  return tests.map((one, i) => reportOf(one, told.get(i) as JobGoldenCase));
}

/** Sets of one name have folders of their own. */
async function writeJobs(tests: Test[], folder: string): Promise<Map<string, string>> {
  const scripts = new Map<string, string>();
  for (const { definition } of tests) {
    const { featureSet, file, text, project } = definition;
    if (scripts.has(file)) continue;
    const own = path.join(folder, `job-${scripts.size}`);
    scripts.set(
      file,
      (await writeJob({ ...featureSet, mode: "micro-batch" }, provenanceOf(file, text, project), own)).path,
    );
  }
  return scripts;
}

function reportOf({ file, definition, golden }: Test, { rows, error }: JobGoldenCase): CaseReport {
  const { name } = golden;
  if (error !== null) return { file, name, ok: false, cells: [], error: `${error.type}: ${error.message}` };
  const { featureSet }: { featureSet: FeatureSet } = definition;
  const cells = compareCase(featureSet, golden, byJob(featureSet, rows), byVerifier(featureSet, golden));
  return { file, name, ok: cells.every(({ ok }) => ok), cells };
}
