/** What outliers were measured by, as the job noted it beside the history, and as it comes out a second time. */
import { readdir, readFile } from "node:fs/promises";
import path from "node:path";
import { z } from "zod";
import { type FeatureSet, offlineFolder, type ValidationRule } from "../definition/feature-set.ts";
import { identifier, rowsOf, withDuckDb } from "../platform/duckdb.ts";
import { manifestsOf } from "../stores/manifests.ts";
import { type OfflineFiles, parquet, QUARANTINE, slotKeys } from "../stores/offline.ts";
import { type Difference, offlineFileFinding } from "./difference.ts";
import type { Reference, References } from "./rules.ts";

const number = z.number().nullable();

const noted = z.object({
  batch_id: z.number().int().nonnegative(),
  rules: z.record(
    z.string(),
    z.object({
      of: z.enum(["history", "batch", "before"]),
      values: z.number().int().nonnegative(),
      low: number,
      high: number,
      scale: number,
      /** What of the rule it was taken for. */
      rule: z.string(),
    }),
  ),
});

type Noted = z.infer<typeof noted>;

const FOLDER = "_validation";

export interface ReadReferences {
  references: References[];
  /** Those that do not come out so, and files that are none. */
  differences: Difference[];
}

/** In the order of their batches; none where no rule needs them. Throws EnvironmentError where the store cannot be read. */
export async function readReferences(
  featureSet: FeatureSet,
  { offlineRoot, scratch, files, manifests }: { offlineRoot: string; scratch: string } & OfflineFiles,
): Promise<ReadReferences> {
  const folder = path.join(offlineRoot, offlineFolder(featureSet));
  const names = (await namesIn(path.join(folder, FOLDER))).filter((name) => name.endsWith(".json"));
  const read: Noted[] = [];
  const differences: Difference[] = [];
  for (const name of names) {
    try {
      read.push(noted.parse(JSON.parse(await readFile(path.join(folder, FOLDER, name), "utf8"))));
    } catch (error) {
      const because = `cannot be read: ${(error as Error).message.split("\n")[0]}`;
      differences.push(offlineFileFinding("different", `${FOLDER}/${name}`, because));
    }
  }
  read.sort((a, b) => a.batch_id - b.batch_id);
  const batches = new Set(manifestsOf(manifests).map(({ batch_id }) => batch_id));
  const rules = featureSet.validation.filter((rule) => rule.check === "outlier");
  const history = files
    .filter(({ problem }) => problem === undefined)
    .map(({ name }) => path.join(folder, name));
  const held = (await namesIn(path.join(folder, QUARANTINE)))
    .filter(isOfBatch)
    .map((name) => path.join(folder, QUARANTINE, name));
  if (rules.length > 0 && read.length > 0 && history.length + held.length > 0)
    differences.push(...(await compare(featureSet, { scratch, read, rules, history, held, batches })));
  const references = read.map(({ batch_id, rules }) => ({ batchId: batch_id, rules }));
  return { references, differences };
}

type OutlierRule = Extract<ValidationRule, { check: "outlier" }>;

async function compare(
  featureSet: FeatureSet,
  {
    scratch,
    read,
    rules,
    history,
    held,
    batches,
  }: {
    scratch: string;
    read: Noted[];
    rules: OutlierRule[];
    history: string[];
    held: string[];
    batches: Set<number>;
  },
): Promise<Difference[]> {
  const differences: Difference[] = [];
  await withDuckDb(scratch, async (connection) => {
    for (const { batch_id, rules: told } of read) {
      for (const rule of rules) {
        const one = told[rule.name];
        // One of a rule that has changed since, or of a batch that only Redis has, cannot be told again.
        if (one === undefined || one.of === "before" || one.rule !== takenFor(rule)) continue;
        if (!batches.has(batch_id)) continue;
        const values =
          one.of === "history"
            ? valuesBefore(featureSet, rule, history, batch_id)
            : valuesOf(rule, [...history.filter(isOfBatch), ...held], batch_id);
        if (values === undefined) continue;
        for await (const row of rowsOf(connection, statisticsOf(values))) {
          const expected = referenceOf(rule, row as (number | bigint | null)[]);
          if (isSame(expected, one)) continue;
          const because = `has for ${rule.name} another middle and spread than the ${
            one.of === "history" ? "rows before the batch" : "rows of the batch"
          } give`;
          const file = `${FOLDER}/${String(batch_id).padStart(20, "0")}.json`;
          differences.push(offlineFileFinding("different", file, because, shown(expected), shown(one)));
        }
      }
    }
  });
  return differences;
}

/** The newest row of each window, or entity, by the batches before. */
function valuesBefore(featureSet: FeatureSet, rule: OutlierRule, files: string[], batch: number) {
  if (files.length === 0) return undefined;
  const newest = `row_number() OVER (PARTITION BY ${slotKeys(featureSet).join(", ")} ORDER BY batch_id DESC, created_timestamp DESC) = 1`;
  return (
    `SELECT ${identifier(rule.feature)}::DOUBLE AS x FROM (SELECT * FROM ${parquet(files)} WHERE batch_id < ${batch} ` +
    `QUALIFY ${newest}) WHERE NOT is_deleted AND x IS NOT NULL`
  );
}

/** All rows of the batch, whether they were kept from the stores or not; those of ageing come later. */
function valuesOf(rule: OutlierRule, files: string[], batch: number) {
  const rows = `${parquet(files)} WHERE batch_id = ${batch}`;
  return (
    `SELECT ${identifier(rule.feature)}::DOUBLE AS x FROM ${rows} AND NOT is_deleted AND x IS NOT NULL ` +
    `AND created_timestamp = (SELECT min(created_timestamp) FROM ${rows})`
  );
}

/** Files of ageing and of backfills have the moment in their names. */
function isOfBatch(file: string): boolean {
  return /^\d{20}\.parquet$/.test(path.basename(file));
}

function takenFor({ feature, method, minHistory }: OutlierRule): string {
  return `${feature} ${method} ${minHistory}`;
}

function statisticsOf(values: string): string {
  return (
    `WITH v AS (${values}), q AS (SELECT count(*) AS n, quantile_cont(x, 0.25) AS low, median(x) AS middle, ` +
    "quantile_cont(x, 0.75) AS high FROM v) " +
    "SELECT n, low, middle, high, (SELECT median(abs(x - middle)) FROM v), (SELECT avg(abs(x - middle)) FROM v) FROM q"
  );
}

/** What makes a deviation's median, or its mean, one standard deviation where values are normal. */
const OF_MEDIAN = 1.4826;
const OF_MEAN = 1.253314;

function referenceOf(rule: OutlierRule, row: (number | bigint | null)[]): Reference {
  const [values = 0, low, middle, high, medianDeviation, meanDeviation] = row.map(Number);
  const none = { values, low: null, high: null, scale: null };
  if (values < rule.minHistory || low === undefined || middle === undefined || high === undefined)
    return none;
  if (rule.method === "quantiles") return high > low ? { values, low, high, scale: high - low } : none;
  const scale = OF_MEDIAN * (medianDeviation ?? 0) || OF_MEAN * (meanDeviation ?? 0);
  return scale > 0 ? { values, low: middle, high: middle, scale } : none;
}

/** Two ways of adding up doubles differ in the last digits. */
function isSame(a: Reference, b: Reference): boolean {
  const near = (x: number | null, y: number | null) =>
    x === null || y === null ? x === y : Math.abs(x - y) <= 1e-9 * Math.max(Math.abs(x), Math.abs(y));
  return a.values === b.values && near(a.low, b.low) && near(a.high, b.high) && near(a.scale, b.scale);
}

function shown({ values, low, high, scale }: Reference): string {
  return JSON.stringify({ values, low, high, scale });
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    return (await readdir(folder)).filter((name) => !/^[._]/.test(name)).sort();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
}
