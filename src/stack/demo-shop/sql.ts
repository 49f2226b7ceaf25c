import pg from "pg";
import { UsageError } from "../../errors.ts";
import { type Database, withClient } from "./connection.ts";

export interface StatementResult {
  /** `SELECT`, `INSERT`, `CREATE` …, or an empty text for an empty statement. */
  command: string;
  /** Empty for a statement that returns no rows. */
  columns: string[];
  /** Values as Postgres prints them, times in UTC; never through a float. */
  rows: (string | null)[][];
  /** Rows returned or changed; null where that has no meaning, as for CREATE. */
  count: number | null;
}

const AS_TEXT = { getTypeParser: () => (text: string) => text };

/**
 * Runs one or several statements, separated by semicolons, in one transaction (unless they say otherwise).
 * Throws UsageError with line and column on SQL that Postgres refuses, EnvironmentError when the server fails.
 */
export async function runSql(database: Database, text: string): Promise<StatementResult[]> {
  return withClient(database, async (client) => {
    try {
      const answer = await client.query<(string | null)[]>({ text, rowMode: "array", types: AS_TEXT });
      // pg gives an array for several statements, which its types do not know.
      const results = Array.isArray(answer) ? (answer as pg.QueryArrayResult<(string | null)[]>[]) : [answer];
      return results.map((result) => ({
        command: result.command ?? "",
        columns: result.fields.map((field) => field.name),
        rows: result.rows,
        count: result.rowCount,
      }));
    } catch (cause) {
      throw explained(cause, text);
    }
  });
}

/** SQLSTATE classes that are no fault of the statement: connection, resources, shutdown, I/O. */
const SERVER_TROUBLE = /^(08|53|57P|58|XX)/;

/** The server's troubles are told by whoever opened the connection. */
function explained(cause: unknown, text: string): unknown {
  if (!(cause instanceof pg.DatabaseError) || SERVER_TROUBLE.test(cause.code ?? "")) return cause;
  const where = cause.position === undefined ? "" : `\n${pointAt(text, Number(cause.position))}`;
  const detail = cause.detail === undefined ? "" : `\n${cause.detail}`;
  return new UsageError(`Postgres refused the statement: ${cause.message}${detail}${where}`, {
    ...(cause.hint === undefined ? {} : { hint: cause.hint }),
    cause,
  });
}

/** The line with the error, and a caret under the place. Positions count characters from 1. */
function pointAt(text: string, position: number): string {
  const before = [...text].slice(0, position - 1).join("");
  const lines = before.split("\n");
  const column = [...(lines.at(-1) ?? "")].length;
  const line = text.split("\n")[lines.length - 1] ?? "";
  return `line ${lines.length}, column ${column + 1}:\n  ${line}\n  ${" ".repeat(column)}^`;
}
