/** The offline store as it is: the newest row of every window from the Parquet files, and what is wrong with files. */
import type { Dirent } from "node:fs";
import { readdir, stat } from "node:fs/promises";
import path from "node:path";
import { type DuckDBConnection, DuckDBInstance } from "@duckdb/node-api";
import { type FeatureSet, type FeatureType, offlineFolder } from "../definition/feature-set.ts";
import { sha256OfFile } from "../platform/files.ts";
import { type ManifestFile, readManifests } from "./manifests.ts";

/** The newest row of one (entity, window). Times are micros since 1970 UTC; null where the file has null. */
export interface OfflineRow {
  entity: string | null;
  windowStart: bigint | null;
  windowEnd: bigint | null;
  /** Features by name as text: exact, and as their Parquet type writes them. */
  features: Map<string, string | null>;
  eventTimestamp: bigint | null;
  createdTimestamp: bigint | null;
  batchId: bigint | null;
  isDeleted: boolean | null;
  /** Rows of this window in the same batch; more than one is an error. */
  copies: number;
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

export interface OfflineStore {
  folder: string;
  rows: OfflineRow[];
  files: OfflineFile[];
  /** Whatever else lies in the folder and readers of the folder would stumble over. */
  strangers: string[];
  manifests: ManifestFile[];
}

/** An absent folder is an empty store. */
export async function readOfflineStore(featureSet: FeatureSet, offlineRoot: string): Promise<OfflineStore> {
  const folder = path.join(offlineRoot, offlineFolder(featureSet));
  // Manifests first: a file that is put in place meanwhile is then one without a manifest, never one that is lost.
  const manifests = await readManifests(folder);
  const { names, strangers } = await entriesOf(folder);
  const instance = await DuckDBInstance.create(":memory:");
  const connection = await instance.connect();
  try {
    await connection.run("SET TimeZone = 'UTC'");
    const problems = await loadFiles(connection, featureSet, folder, names);
    const counts = await rowCounts(connection);
    const files: OfflineFile[] = [];
    for (const name of names) {
      const file = path.join(folder, name);
      const problem = problems.get(name);
      const rows = problem === undefined ? (counts.get(name) ?? 0) : undefined;
      files.push({ name, bytes: (await stat(file)).size, sha256: await sha256OfFile(file), rows, problem });
    }
    return {
      folder,
      rows: await newestRows(connection, featureSet),
      files,
      strangers,
      manifests,
    };
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
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

/** Fills the table `rows` from all files in one go, or, when one of them is broken, from each that is not. */
async function loadFiles(
  connection: DuckDBConnection,
  featureSet: FeatureSet,
  folder: string,
  names: string[],
): Promise<Map<string, string>> {
  const problems = new Map<string, string>();
  await connection.run(createTable(featureSet));
  const load = async (some: string[]): Promise<string | undefined> => {
    const list = `[${some.map((name) => literal(path.join(folder, name))).join(", ")}]`;
    try {
      const problem = await schemaProblem(connection, featureSet, list);
      if (problem === undefined) await connection.run(insertRows(featureSet, list));
      return problem;
    } catch (error) {
      return (error as Error).message.split("\n")[0];
    }
  };
  if (names.length === 0 || (await load(names)) === undefined) return problems;
  for (const name of names) {
    const problem = await load([name]);
    if (problem !== undefined) problems.set(name, problem);
  }
  return problems;
}

const TIMES = ["TIMESTAMP", "TIMESTAMP WITH TIME ZONE"];

/** The types a column may have in Parquet, as DuckDB calls them; a decimal's precision may be any. */
function expectedTypes(featureSet: FeatureSet): Map<string, string[]> {
  const entity = featureSet.source.columns.find(({ name }) => name === featureSet.entity);
  const isNumber = entity?.type.kind === "bigint" || entity?.type.kind === "integer";
  return new Map([
    [featureSet.entity, [isNumber ? entity.type.kind.toUpperCase() : "VARCHAR"]],
    ["window_start", TIMES],
    ["window_end", TIMES],
    ...featureSet.features.map(({ name, type }): [string, string[]] => [name, [typeName(type)]]),
    ["event_timestamp", TIMES],
    ["created_timestamp", TIMES],
    ["batch_id", ["BIGINT"]],
    ["is_deleted", ["BOOLEAN"]],
  ]);
}

function typeName(type: FeatureType): string {
  return type.kind === "decimal" ? `DECIMAL(*,${type.digits})` : type.kind.toUpperCase();
}

async function schemaProblem(
  connection: DuckDBConnection,
  featureSet: FeatureSet,
  list: string,
): Promise<string | undefined> {
  const result = await connection.runAndReadAll(
    `SELECT file_name, name, duckdb_type FROM parquet_schema(${list}) WHERE num_children IS NULL`,
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

function createTable(featureSet: FeatureSet): string {
  const features = featureSet.features.map((_, i) => `f${i} VARCHAR, `).join("");
  return (
    `CREATE TABLE rows (file VARCHAR, entity VARCHAR, window_start BIGINT, window_end BIGINT, ${features}` +
    "event_timestamp BIGINT, created_timestamp BIGINT, batch_id BIGINT, is_deleted BOOLEAN)"
  );
}

function insertRows(featureSet: FeatureSet, list: string): string {
  const features = featureSet.features.map(({ name }) => `${quoted(name)}::VARCHAR, `).join("");
  return (
    `INSERT INTO rows SELECT parse_filename(filename), ${quoted(featureSet.entity)}::VARCHAR, ` +
    `epoch_us(window_start), epoch_us(window_end), ${features}` +
    "epoch_us(event_timestamp), epoch_us(created_timestamp), batch_id, is_deleted " +
    `FROM read_parquet(${list}, filename = true, hive_partitioning = false)`
  );
}

async function rowCounts(connection: DuckDBConnection): Promise<Map<string, number>> {
  const result = await connection.runAndReadAll("SELECT file, count(*) FROM rows GROUP BY file");
  return new Map((result.getRows() as [string, bigint][]).map(([file, count]) => [file, Number(count)]));
}

async function newestRows(connection: DuckDBConnection, featureSet: FeatureSet): Promise<OfflineRow[]> {
  const features = featureSet.features.map((_, i) => `, f${i}`).join("");
  const result = await connection.runAndReadAll(
    "SELECT entity, window_start, window_end, event_timestamp, created_timestamp, batch_id, is_deleted, " +
      `count(*) OVER (PARTITION BY entity, window_start, batch_id)${features} FROM rows ` +
      "QUALIFY row_number() OVER (PARTITION BY entity, window_start ORDER BY batch_id DESC NULLS LAST) = 1",
  );
  return result.getRows().map((row) => {
    const [entity, windowStart, windowEnd, eventTimestamp, createdTimestamp, batchId, isDeleted, copies] =
      row;
    return {
      entity,
      windowStart,
      windowEnd,
      eventTimestamp,
      createdTimestamp,
      batchId,
      isDeleted,
      copies: Number(copies),
      features: new Map(featureSet.features.map(({ name }, i) => [name, row[8 + i]])),
    } as OfflineRow;
  });
}

function quoted(identifier: string): string {
  return `"${identifier.replaceAll('"', '""')}"`;
}

function literal(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}
