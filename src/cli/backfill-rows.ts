/** The rows that a backfill reads, where they are not the log's. */
import { once } from "node:events";
import { createWriteStream } from "node:fs";
import { mkdir } from "node:fs/promises";
import path from "node:path";
import { finished } from "node:stream/promises";
import pg from "pg";
import type { FeatureSet } from "../definition/feature-set.ts";
import { UsageError } from "../errors.ts";
import { readRows } from "../platform/postgres.ts";
import type { BackfillOrder } from "../submit/run.ts";

export type Format = "csv" | "json" | "parquet";

/** `source` is a path or a URI. */
export function filesOf(
  { source, format }: { source: string; format?: Format },
  cwd: string,
): Pick<BackfillOrder, "path" | "format"> {
  const isUri = /^[a-z][a-z0-9+.-]*:/i.test(source);
  const named = /\.(csv|json|jsonl|ndjson|parquet)\/?$/i.exec(source)?.[1]?.toLowerCase();
  const known = format ?? (named === "csv" || named === "parquet" || named === undefined ? named : "json");
  if (known === undefined)
    throw new UsageError(
      `--source ${source}: it is neither topic nor table, and its name does not tell its format`,
      {
        hint: "Say --format csv, json (an object per line) or parquet.",
      },
    );
  return { path: isUri ? source : path.resolve(cwd, source), format: known };
}

/** Every row, as the table holds them at one moment, as lines of JSON with texts; the file's path. */
export async function dumpTable({ source }: FeatureSet, url: string, folder: string): Promise<string> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const file = path.join(folder, "rows.json");
  const name = pg.escapeIdentifier;
  // As Debezium has them: a time without a zone is in UTC.
  const columns = source.columns.map(({ name: column, type }) => {
    const text =
      type.kind === "timestamp"
        ? `to_char(${name(column)}, 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`
        : `${name(column)}::text`;
    return `${text} AS ${name(column)}`;
  });
  const table = `${name(source.schema)}.${name(source.table)}`;
  const query = `SELECT row_to_json(r.*)::text FROM (SELECT ${columns.join(", ")} FROM ${table}) r`;
  const out = createWriteStream(file, { mode: 0o600 });
  const done = finished(out);
  done.catch(() => {}); // it is told below
  try {
    await readRows<[string]>(url, query, async (rows) => {
      if (!out.write(`${rows.map(([text]) => text).join("\n")}\n`))
        await Promise.race([once(out, "drain"), done]);
    });
  } catch (error) {
    out.destroy();
    throw error;
  }
  out.end();
  await done;
  return file;
}
