/** A DuckDB for one piece of work, with little memory and a folder for what does not fit. */
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import path from "node:path";
import { type DuckDBConnection, DuckDBInstance, type DuckDBValue } from "@duckdb/node-api";

const MEMORY = "512MB";

/** `scratch` gets a folder of its own in it, which is removed at the end. */
export async function withDuckDb<T>(
  scratch: string,
  work: (connection: DuckDBConnection) => Promise<T>,
): Promise<T> {
  await mkdir(scratch, { recursive: true });
  const folder = await mkdtemp(path.join(scratch, "duckdb-"));
  const instance = await DuckDBInstance.create(":memory:", {
    memory_limit: MEMORY,
    temp_directory: folder,
    preserve_insertion_order: "false",
  });
  const connection = await instance.connect();
  try {
    await connection.run("SET TimeZone = 'UTC'");
    return await work(connection);
  } finally {
    connection.closeSync();
    instance.closeSync();
    await rm(folder, { recursive: true, force: true });
  }
}

/** The rows of a query, a few at a time. */
export async function* rowsOf(connection: DuckDBConnection, query: string): AsyncGenerator<DuckDBValue[]> {
  const result = await connection.stream(query);
  for await (const rows of result.yieldRows()) yield* rows;
}

export function identifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

export function literal(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}
