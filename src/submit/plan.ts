/**
 * What a checkpoint was computed by. Its state, and the values in the stores, mean something only together with the
 * definition of then, so that a run with another one is refused before anything starts.
 */
import { mkdirSync } from "node:fs";
import { mkdir, readdir } from "node:fs/promises";
import path from "node:path";
import type { FeatureSet } from "../definition/feature-set.ts";
import { UsageError } from "../errors.ts";
import { readIfExists, writeFileAtomic } from "../platform/files.ts";
import { CHECKPOINTS, type Checkpoint, checkpointsOf } from "./run-folder.ts";

/** Grows whenever the job keeps its state, or writes its stores, in another way. */
const STATE_FORMAT = 6;

type Plain = string | number | boolean | null | Plain[] | { [key: string]: Plain };

/** Everything that decides what a value is; words for people and limits for errors do not. */
export function planOf(featureSet: FeatureSet): Plain {
  const {
    description: _,
    deadLetterShare: __,
    mode: ___,
    scheduleMs: _________,
    validation: _____,
    slos: _______,
    drift: ________,
    features,
    windows,
    source,
    ...rest
  } = featureSet;
  const { columns, immutable: ____, ...table } = source;
  const byName = <T extends { name: string }>(items: T[]) =>
    Object.fromEntries(items.map(({ name, ...item }) => [name, item]));
  return JSON.parse(
    JSON.stringify({
      stateFormat: STATE_FORMAT,
      ...rest,
      source: { ...table, columns: byName(columns) },
      windows: byName(windows),
      features: byName(features.map(({ description: ______, ...feature }) => feature)),
    }),
  ) as Plain;
}

/** Throws UsageError with the reason and the ways out when a checkpoint of the set belongs to another plan. */
export async function refuseOtherPlan(stateDir: string, featureSet: FeatureSet): Promise<void> {
  const folder = checkpointsOf(stateDir, featureSet.name);
  const checkpoints: readonly string[] = [...CHECKPOINTS, BACKFILLED];
  const entries: string[] = await readdir(folder).catch(() => []);
  if (!entries.some((entry) => checkpoints.includes(entry))) return;
  const text = await readIfExists(planFile(folder));
  const now = planOf(featureSet);
  const changes = text === undefined ? ["it was made by an earlier version"] : differences(parsed(text), now);
  if (changes.length === 0) return;
  const { name } = featureSet;
  throw new UsageError(
    `the checkpoint of ${name} was made by another definition:\n${changes.map((change) => `  ${change}`).join("\n")}`,
    {
      hint:
        "Rows counted so far were counted as it said then. Two ways out:\n" +
        `  \`cdc-features run ${name} --rebuild\` computes ${name} anew from the change log, in place of what is stored\n` +
        `  a copy of the definition named ${name}_v2 is computed beside it, with keys and files of its own`,
    },
  );
}

/** A folder that says that the stores hold windows of the past, whether there was a run or not. */
const BACKFILLED = "backfill";

/** As `rememberPlan`, before a backfill. */
export async function rememberBackfill(stateDir: string, featureSet: FeatureSet): Promise<void> {
  await mkdir(path.join(checkpointsOf(stateDir, featureSet.name), BACKFILLED), { recursive: true });
  await rememberPlan(stateDir, featureSet);
}

/** Before the first batch, so that no checkpoint is without. */
export async function rememberPlan(stateDir: string, featureSet: FeatureSet): Promise<void> {
  const folder = checkpointsOf(stateDir, featureSet.name);
  await mkdir(folder, { recursive: true });
  await writeFileAtomic(planFile(folder), `${JSON.stringify(planOf(featureSet), null, 2)}\n`);
}

/** A checkpoint has been begun, wherever it is. */
export function rememberCheckpoint(stateDir: string, featureSet: string, checkpoint: Checkpoint): void {
  mkdirSync(path.join(checkpointsOf(stateDir, featureSet), checkpoint), { recursive: true });
}

function planFile(folder: string): string {
  return path.join(folder, "plan.json");
}

function parsed(text: string): Plain {
  try {
    return JSON.parse(text) as Plain;
  } catch {
    return null;
  }
}

/** Each place that differs, by its path: `features.total_spend.column: "total_amount" is now "quantity"`. */
function differences(then: Plain, now: Plain, at: string[] = []): string[] {
  if (isMapping(then) && isMapping(now)) {
    return [...new Set([...Object.keys(then), ...Object.keys(now)])].flatMap((key) =>
      differences(then[key] ?? null, now[key] ?? null, [...at, key]),
    );
  }
  const [before, after] = [JSON.stringify(then), JSON.stringify(now)];
  if (before === after) return [];
  const place = at.join(".") || "the plan";
  if (then === null) return [`${place} is new`];
  if (now === null) return [`${place} is gone`];
  return [`${place}: ${before} is now ${after}`];
}

function isMapping(value: Plain): value is { [key: string]: Plain } {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
