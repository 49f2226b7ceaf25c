/**
 * The job's operator and the verifier, on the same random histories: every value of every entity and window has to be the same, and
 * where a history is plain, what arithmetic over the table in the end gives. A history that fails is shrunk to the smallest
 * that still does.
 *
 * CDC_FEATURES_PROPERTY_SEED and CDC_FEATURES_PROPERTY_HISTORIES choose others, and more.
 */
import { mkdtempSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import fc from "fast-check";
import { afterAll, describe, expect, it } from "vitest";
import { readDefinition } from "../../src/cli/definitions.ts";
import { type FeatureSet, isAsOfNow } from "../../src/definition/feature-set.ts";
import { byJob, type ToldRow } from "../../src/golden/by-job.ts";
import { byVerifier } from "../../src/golden/by-verifier.ts";
import { featureTypes } from "../../src/golden/feature-types.ts";
import type { GoldenBatch, GoldenCase } from "../../src/golden/golden-case.ts";
import type { Outcome } from "../../src/golden/outcome.ts";
import { silent } from "../../src/platform/progress.ts";
import { provenanceOf, writeJob } from "../../src/render/write-job.ts";
import { EmbeddedStack } from "../../src/stack/embedded/embedded-stack.ts";
import { homeOf, PACKAGE_ROOT } from "../../src/stack/home.ts";
import type { SparkRuntime } from "../../src/stack/stack.ts";
import { isSameValue, onlineText } from "../../src/stores/values.ts";
import { startsOfWindows } from "../../src/stores/windows.ts";
import { runCases } from "../../src/submit/golden.ts";
import { BATCHES, type History, history, type Played, play, ROWS } from "./history.ts";
import { SETS, type SetUnderTest } from "./sets.ts";

const SEED = Number(process.env.CDC_FEATURES_PROPERTY_SEED ?? 20_261_125);
const HISTORIES = Number(process.env.CDC_FEATURES_PROPERTY_HISTORIES ?? 300);
const SHRUNK_AT_A_TIME = 60;

/** Middays and midnights: 18 hours apart, so that days turn and windows of an hour empty themselves. */
const BATCH_MS = Array.from(
  { length: BATCHES },
  (_, i) => Date.parse("2026-11-20T12:07:00Z") + i * 18 * 3_600_000,
);
/** Two hours after the newest batch nothing has come any more. */
const AS_OF_MS = (BATCH_MS.at(-1) as number) + 2 * 3_600_000;

const folder = mkdtempSync(path.join(os.tmpdir(), "cdc-features-property-"));
const stack = new EmbeddedStack(homeOf(folder, process.env));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Trial {
  set: SetUnderTest;
  featureSet: FeatureSet;
  script: string;
}

async function trialOf(set: SetUnderTest): Promise<Trial> {
  const definition = await readDefinition(path.join(PACKAGE_ROOT, set.file), PACKAGE_ROOT);
  if (definition.featureSet === undefined) throw new Error(`${set.file} is no definition`);
  const provenance = provenanceOf(definition.file, definition.text, definition.project);
  const job = await writeJob(definition.featureSet, provenance, path.join(folder, set.name));
  return { set, featureSet: definition.featureSet, script: job.path };
}

interface Merged {
  golden: GoldenCase;
  played: Played[];
}

/**
 * All histories as one log, whose rows and customers are other numbers for each. One more customer orders in every batch, so that
 * the watermark is the same whatever the histories are.
 */
function merged(histories: History[], { form }: SetUnderTest): Merged {
  const played = histories.map((one, i) => play(one, form, (i + 2) * ROWS, BATCH_MS));
  const beacon = play(
    BATCH_MS.map(() => [{ kind: "write", row: 0, customer: 0, cents: 1, minutesAgo: 0 }]),
    form,
    0,
    BATCH_MS,
  );
  let offset = 0;
  const batches = BATCH_MS.map((timestampMs, batch): GoldenBatch => {
    const values = [...played, beacon].flatMap(({ batches }) => batches[batch] ?? []);
    const records = values.map((value) => ({ offset: offset++, timestampMs, key: null, value }));
    return { asOfMs: timestampMs, records };
  });
  return { golden: { name: "", asOfMs: AS_OF_MS, batches, expected: [] }, played };
}

interface Difference {
  history: number;
  what: string;
}

interface Compared {
  /** How many entities the job has rows of. */
  entities: number;
  differences: Difference[];
}

/** Runs the histories of each trial in one Spark, and compares, trial by trial. */
async function compared(trials: Trial[], histories: History[], spark: SparkRuntime): Promise<Compared[]> {
  const cases = trials.map(({ set }) => merged(histories, set));
  const told = new Map<number, ToldRow[]>();
  const own = mkdtempSync(path.join(folder, "run-"));
  await runCases({
    folder: own,
    cases: cases.map(({ golden: { asOfMs, batches } }, i) => ({
      script: (trials[i] as Trial).script,
      asOfMs,
      batches,
    })),
    pythonPath: path.join(PACKAGE_ROOT, "spark-jobs"),
    spark,
    signal: new AbortController().signal,
    onCase: ({ number, rows, error }) => {
      if (error !== null) throw new Error(`${trials[number]?.set.name}: ${error.type}: ${error.message}`);
      told.set(number, rows);
    },
  });
  rmSync(own, { recursive: true, force: true });
  return trials.map((trial, i) => {
    const rows = told.get(i) as ToldRow[];
    const entities = new Set(rows.map(({ entity }) => entity)).size;
    return { entities, differences: differencesOf(trial, cases[i] as Merged, rows) };
  });
}

function differencesOf(
  { set, featureSet }: Trial,
  { golden, played }: Merged,
  rows: ToldRow[],
): Difference[] {
  const [job, verifier] = [byJob(featureSet, rows), byVerifier(featureSet, golden)];
  return played.flatMap((one, history) =>
    one.customers.flatMap((customer) => {
      const entity = set.entity(customer);
      const starts = [undefined, ...startsOf(featureSet, one.timesMs)];
      const found = starts.flatMap((start) => cellsOf(featureSet, entity, start, job, verifier));
      return [...found, ...againstOracle(set, one, customer, job)].map((what) => ({ history, what }));
    }),
  );
}

/** Starts of the windows around some times, in ms; none for a set as of now. */
function startsOf(featureSet: FeatureSet, timesMs: number[]): number[] {
  const [window] = featureSet.windows;
  if (isAsOfNow(featureSet) || (window?.kind !== "tumbling" && window?.kind !== "sliding")) return [];
  return [...new Set(timesMs.flatMap((ms) => startsOfWindows(window, BigInt(ms) * 1_000n)))];
}

function cellsOf(
  featureSet: FeatureSet,
  entity: string,
  start: number | undefined,
  job: Outcome,
  verifier: Outcome,
): string[] {
  const [told, computed] = [job.row(entity, start), verifier.row(entity, start)];
  const place = start === undefined ? `${entity} as served` : `${entity} @ ${new Date(start).toISOString()}`;
  if (told === undefined && computed === undefined) return [];
  if (told === undefined || computed === undefined)
    return [
      `${place}: ${told ? "a row" : "none"} by the job, ${computed ? "a row" : "none"} by the verifier`,
    ];
  return [...featureTypes(featureSet)].flatMap(([name, type]) => {
    const [a, b] = [told.get(name) ?? null, computed.get(name) ?? null];
    if (isSameValue(a, b)) return [];
    return [`${place}: ${name} is ${onlineText(a, type)} by the job, ${onlineText(b, type)} by the verifier`];
  });
}

function againstOracle(set: SetUnderTest, played: Played, customer: number, job: Outcome): string[] {
  if (set.oracle === undefined || !played.isPlain) return [];
  const rows = played.rows.filter(({ customerId }) => customerId === customer);
  const expected = set.oracle(rows, AS_OF_MS);
  const told = job.row(set.entity(customer), undefined);
  if (expected === undefined) return told ? [`${customer}: a row by the job, none by the table`] : [];
  return Object.entries(expected).flatMap(([name, value]) => {
    const found = told?.get(name) ?? null;
    return isSameValue(found, value)
      ? []
      : [`${customer}: ${name} is ${found} by the job, ${value} by the table`];
  });
}

/** The smallest history that still differs. */
async function shrunk(trial: Trial, failing: History, spark: SparkRuntime): Promise<History> {
  const smaller = [...history.shrink(failing, undefined).take(SHRUNK_AT_A_TIME)].map(({ value }) => value);
  if (smaller.length === 0) return failing;
  const [first] = await compared([trial], smaller, spark);
  const next = smaller[Math.min(...(first?.differences ?? []).map(({ history }) => history))];
  return next === undefined ? failing : shrunk(trial, next, spark);
}

describe("random histories", () => {
  it(`of seed ${SEED} give the same values by the job, the verifier and the table`, async () => {
    const histories = fc.sample(history, { numRuns: HISTORIES, seed: SEED });
    const spark = await stack.setUpSpark(silent);
    const trials = await Promise.all(SETS.map(trialOf));
    const all = await compared(trials, histories, spark);
    // Two sets that compute nothing would agree, too; of the last hour or day few histories leave anything.
    for (const [i, { entities }] of all.entries())
      expect(entities, `entities of ${trials[i]?.set.name}`).toBeGreaterThan(HISTORIES / 10);
    const failed = all.findIndex(({ differences }) => differences.length > 0);
    if (failed === -1) return;
    const trial = trials[failed] as Trial;
    const first = histories[all[failed]?.differences[0]?.history ?? 0] as History;
    const smallest = await shrunk(trial, first, spark);
    const [last] = await compared([trial], [smallest], spark);
    const sets = trials.map(({ set }, i) => `${set.name} (${all[i]?.differences.length})`);
    expect.fail(
      [
        `Differences: ${sets.join(", ")}. The smallest history of ${trial.set.name}:`,
        JSON.stringify(smallest, null, 1),
        ...(last?.differences ?? []).map(({ what }) => what),
        ...play(smallest, trial.set.form, 2 * ROWS, BATCH_MS).batches.map(
          (values, i) => `batch ${i}:\n  ${values.join("\n  ")}`,
        ),
      ].join("\n"),
    );
  });
});
