/** The offline store as it is: the newest row of every window from the Parquet files, and what is wrong with files. */
import type { Dirent } from "node:fs";
import { readdir, stat } from "node:fs/promises";
import path from "node:path";
import type { DuckDBConnection } from "@duckdb/node-api";
import { type FeatureSet, isAsOfNow, offlineFolder } from "../definition/feature-set.ts";
import { EnvironmentError } from "../errors.ts";
import { identifier, literal, rowsOf, withDuckDb } from "../platform/duckdb.ts";
import { sha256OfFile } from "../platform/files.ts";
import { type ManifestFile, readManifests } from "./manifests.ts";
import { entityExpression, parquetTypes, TIMES, textExpression } from "./parquet-columns.ts";
import { columnsNamed } from "./rows.ts";

/** A row that rules kept from the stores. */
export interface HeldRow extends OfflineRow {
  /** A JSON array of the names of the rules that it breaks. */
  rules: string;
}

/** The newest row of one window of an entity, or of the entity. Times are micros since 1970 UTC; null where the file has null. */
export interface OfflineRow {
  entity: string | null;
  /** The window's start in ms, null where there is none; 0 in a set as of now. */
  slot: number | null;
  windowStart: bigint | null;
  windowEnd: bigint | null;
  /**
   * A JSON array of the features' texts in the order of the set: exact, and as the online store writes them. It is not taken
   * apart here, because a row may have dozens.
   */
  features: string;
  eventTimestamp: bigint | null;
  createdTimestamp: bigint | null;
  batchId: bigint | null;
  isDeleted: boolean | null;
}

export interface OfflineFile {
  name: string;
  bytes: number;
  sha256: string;
  /** Undefined for a file that cannot be read. */
  rows: number | undefined;
  /** Why the file's rows could not be used. */
  problem: string | undefined;
}

export interface OfflineFiles {
  files: OfflineFile[];
  /** Whatever else lies in the folder and readers of the folder would stumble over. */
  strangers: string[];
  manifests: ManifestFile[];
}

/**
 * Hands on all rows of the newest batch of each window, or of each entity in a set as of now, in any order. An
 * absent folder is an empty store; `scratch` is a folder for what does not fit in memory.
 */
export async function readOfflineStore(
  featureSet: FeatureSet,
  { offlineRoot, scratch }: { offlineRoot: string; scratch: string },
  onRow: (row: OfflineRow) => void,
): Promise<OfflineFiles> {
  const folder = path.join(offlineRoot, offlineFolder(featureSet));
  // Manifests first: a file that is put in place meanwhile is then one without a manifest, never one that is lost.
  const manifests = await readManifests(folder);
  const { names, strangers } = await entriesOf(folder);
  const paths = names.map((name) => path.join(folder, name));
  const found = await withDuckDb(scratch, async (connection) => {
    const usable = await usableFiles(connection, featureSet, paths);
    if ([...usable.values()].some((one) => typeof one === "number")) {
      for await (const row of rowsOf(connection, "SELECT * FROM newest")) onRow(offlineRow(featureSet, row));
    }
    return usable;
  });
  const files: OfflineFile[] = [];
  for (const [i, file] of paths.entries()) {
    const rowsOrProblem = found.get(file);
    files.push({
      name: names[i] as string,
      bytes: (await stat(file)).size,
      sha256: await sha256OfFile(file),
      rows: typeof rowsOrProblem === "string" ? undefined : rowsOrProblem,
      problem: typeof rowsOrProblem === "string" ? rowsOrProblem : undefined,
    });
  }
  return { files, strangers, manifests };
}

/** Where rows lie that were kept from the stores. */
export const QUARANTINE = "_quarantine";

/**
 * Hands on the newest row in quarantine of each window, or of each entity in a set as of now, in any order, and all of them with
 * `all`. Throws EnvironmentError for a file that cannot be read.
 */
export async function readQuarantine(
  featureSet: FeatureSet,
  { offlineRoot, scratch, all = false }: { offlineRoot: string; scratch: string; all?: boolean },
  onRow: (row: HeldRow & { reasons: string }) => void,
): Promise<void> {
  const folder = path.join(offlineRoot, offlineFolder(featureSet), QUARANTINE);
  const { names } = await entriesOf(folder);
  if (names.length === 0) return;
  const files = names.map((name) => path.join(folder, name));
  const more = ["to_json(r.rules)::VARCHAR", "to_json(r.reasons)::VARCHAR"];
  const query = all ? allRows(featureSet, files, more) : newestRows(featureSet, files, more);
  try {
    await withDuckDb(scratch, async (connection) => {
      for await (const row of rowsOf(connection, query)) {
        const [rules, reasons] = row.slice(-2) as [string, string];
        onRow({ ...offlineRow(featureSet, row), rules, reasons });
      }
    });
  } catch (error) {
    throw new EnvironmentError(
      `cannot read the quarantine in ${folder}: ${(error as Error).message.split("\n")[0]}`,
    );
  }
}

/** Of each window the row before its newest one, in any order; of an entity in a set as of now. */
export async function readRowsBefore(
  featureSet: FeatureSet,
  { offlineRoot, scratch, files }: { offlineRoot: string; scratch: string; files: OfflineFile[] },
  onRow: (row: OfflineRow) => void,
): Promise<void> {
  const folder = path.join(offlineRoot, offlineFolder(featureSet));
  const usable = files
    .filter(({ problem }) => problem === undefined)
    .map(({ name }) => path.join(folder, name));
  if (usable.length === 0) return;
  const order = `row_number() OVER (PARTITION BY ${slotKeys(featureSet).join(", ")} ORDER BY batch_id DESC, created_timestamp DESC)`;
  await withDuckDb(scratch, async (connection) => {
    const query = `${allRows(featureSet, usable)} QUALIFY ${order} = 2`;
    for await (const row of rowsOf(connection, query)) onRow(offlineRow(featureSet, row));
  });
}

/** Paths of the offline store's files, in the order of their names; none where there is no folder. */
export async function parquetFiles(featureSet: FeatureSet, offlineRoot: string): Promise<string[]> {
  const folder = path.join(offlineRoot, offlineFolder(featureSet));
  return (await entriesOf(folder)).names.map((name) => path.join(folder, name));
}

async function entriesOf(folder: string): Promise<{ names: string[]; strangers: string[] }> {
  try {
    const entries = await readdir(folder, { withFileTypes: true });
    // Spark and its readers leave out names that begin with _ or a dot.
    const seen = entries.filter(({ name }) => !/^[._]/.test(name)).sort((a, b) => (a.name < b.name ? -1 : 1));
    const isParquet = (entry: Dirent): boolean => entry.isFile() && entry.name.endsWith(".parquet");
    return {
      names: seen.filter(isParquet).map(({ name }) => name),
      strangers: seen.filter((entry) => !isParquet(entry)).map(({ name }) => name),
    };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return { names: [], strangers: [] };
    throw error;
  }
}

/** By file, how many rows it has, or why they cannot be used. All files in one go, and one by one when one is broken. */
async function usableFiles(
  connection: DuckDBConnection,
  featureSet: FeatureSet,
  files: string[],
): Promise<Map<string, number | string>> {
  const problemIn = async (some: string[]): Promise<string | undefined> => {
    try {
      const problem = await schemaProblem(connection, featureSet, some);
      if (problem === undefined)
        await connection.run(`CREATE OR REPLACE TABLE newest AS ${newestRows(featureSet, some)}`);
      return problem;
    } catch (error) {
      return (error as Error).message.split("\n")[0];
    }
  };
  const problems = new Map<string, string>();
  const isBroken = files.length > 0 && (await problemIn(files)) !== undefined;
  for (const file of isBroken ? files : []) {
    const problem = await problemIn([file]);
    if (problem !== undefined) problems.set(file, problem);
  }
  const usable = files.filter((file) => !problems.has(file));
  if (isBroken && usable.length > 0) {
    // Each can be read, but not all together: not a file's fault, such as a full disk.
    const problem = await problemIn(usable);
    if (problem !== undefined) throw new EnvironmentError(`cannot read the offline store: ${problem}`);
  }
  const counts = usable.length === 0 ? new Map<string, number>() : await rowCounts(connection, usable);
  return new Map(files.map((file) => [file, problems.get(file) ?? counts.get(file) ?? 0]));
}

async function rowCounts(connection: DuckDBConnection, files: string[]): Promise<Map<string, number>> {
  const result = await connection.runAndReadAll(
    `SELECT file_name, num_rows FROM parquet_file_metadata(${listOf(files)})`,
  );
  return new Map((result.getRows() as [string, bigint][]).map(([file, rows]) => [file, Number(rows)]));
}

/** The types a column may have in Parquet, as DuckDB calls them. */
function expectedTypes(featureSet: FeatureSet): Map<string, string[]> {
  const named = [...columnsNamed(featureSet, featureSet.entity), ...featureSet.features];
  return new Map([
    ...named.map((column): [string, string[]] => [column.name, parquetTypes(column)]),
    ["window_start", TIMES],
    ["window_end", TIMES],
    ["event_timestamp", TIMES],
    ["created_timestamp", TIMES],
    ["batch_id", ["BIGINT"]],
    ["is_deleted", ["BOOLEAN"]],
  ]);
}

/** Why files cannot hold rows of the set, by their columns; throws DuckDB's error for a file that is no Parquet. */
export async function schemaProblem(
  connection: DuckDBConnection,
  featureSet: FeatureSet,
  files: string[],
): Promise<string | undefined> {
  const result = await connection.runAndReadAll(
    `SELECT file_name, name, duckdb_type FROM parquet_schema(${listOf(files)}) WHERE num_children IS NULL`,
  );
  const columnsByFile = new Map<string, Map<string, string>>();
  for (const [file, name, type] of result.getRows() as [string, string, string][]) {
    const columns = columnsByFile.get(file) ?? new Map<string, string>();
    columns.set(name, type.replace(/^DECIMAL\(\d+,/, "DECIMAL(*,"));
    columnsByFile.set(file, columns);
  }
  for (const columns of columnsByFile.values()) {
    for (const [name, types] of expectedTypes(featureSet)) {
      const actual = columns.get(name);
      if (actual === undefined) return `it has no column ${name}`;
      if (!types.includes(actual))
        return `its column ${name} has type ${actual} instead of ${types.join(" or ")}`;
    }
  }
  return undefined;
}

/** A batch may have two rows of a window, by mistake, or of an entity, by ageing. */
function newestRows(featureSet: FeatureSet, files: string[], more: string[] = []): string {
  const keys = slotKeys(featureSet);
  const same = [...keys, "batch_id"].map((key) => `r.${key} IS NOT DISTINCT FROM n.${key}`).join(" AND ");
  return (
    `${allRows(featureSet, files, more)} ` +
    `JOIN (SELECT ${keys.join(", ")}, max(batch_id) AS batch_id FROM ${parquet(files)} GROUP BY ALL) n ON ${same}`
  );
}

/** The columns that tell which window it is, or which entity in a set as of now, as SQL writes them. */
export function slotKeys(featureSet: FeatureSet): string[] {
  return [...featureSet.entity.map(identifier), ...(isAsOfNow(featureSet) ? [] : ["window_start"])];
}

/** Every row as `offlineRow` reads it, and `more` behind. */
function allRows(featureSet: FeatureSet, files: string[], more: string[] = []): string {
  const features = featureSet.features.map(({ name, type }) =>
    textExpression(`r.${identifier(name)}`, type.kind),
  );
  const columns = [
    entityExpression(featureSet, "r"),
    "epoch_us(r.window_start)",
    "epoch_us(r.window_end)",
    "epoch_us(r.event_timestamp)",
    "epoch_us(r.created_timestamp)",
    "r.batch_id",
    "r.is_deleted",
    `to_json([${features.join(", ")}])::VARCHAR`,
    ...more,
  ];
  return `SELECT ${columns.map((column, i) => `${column} AS c${i}`).join(", ")} FROM ${parquet(files)} r`;
}

/** All rows of files, as a FROM clause has them. */
export function parquet(files: string[]): string {
  return `read_parquet(${listOf(files)}, hive_partitioning = false, union_by_name = true)`;
}

function offlineRow(featureSet: FeatureSet, row: unknown[]): OfflineRow {
  const [entity, windowStart, windowEnd, eventTimestamp, createdTimestamp, batchId, isDeleted, features] =
    row;
  const start = windowStart as bigint | null;
  const slot = isAsOfNow(featureSet) ? 0 : start === null ? null : Number(start / 1000n);
  return {
    entity,
    slot,
    windowStart: start,
    windowEnd,
    eventTimestamp,
    createdTimestamp,
    batchId,
    isDeleted,
    features,
  } as OfflineRow;
}

function listOf(files: string[]): string {
  return `[${files.map(literal).join(", ")}]`;
}
