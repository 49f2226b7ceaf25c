/** A connection to Postgres for one piece of work. */
import pg from "pg";
import { EnvironmentError, UsageError } from "../errors.ts";
import { reachHint, type Trouble, tlsTrouble } from "./tls.ts";

/** The server on this machine takes no TLS, whatever PGSSLMODE and the like ask of others. */
export function ownServer(url: string): pg.ClientConfig {
  if (!URL.canParse(url) || new URL(url).hostname !== "127.0.0.1") return {};
  return { ssl: false, sslnegotiation: "postgres", client_encoding: "UTF8" };
}

/**
 * Runs `work` on a connection of its own, in the time zone UTC. Throws EnvironmentError when Postgres cannot be reached,
 * UsageError when `url` is none.
 */
export async function withPostgres<T>(url: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = clientOf(url);
  client.on("error", () => {});
  try {
    await client.connect();
    // Not as an option of the connection: a pooler refuses those, and the URL may have its own.
    await client.query("SET TIME ZONE 'UTC'");
  } catch (cause) {
    client.end().catch(() => {});
    const { why, hint } = troubleOf(cause as Error, client.host);
    const place = `${client.host}:${client.port}/${client.database ?? ""}`;
    throw new EnvironmentError(`cannot connect to Postgres at ${place}: ${why}`, { hint, cause });
  }
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

const CURSOR = "cdc_features_rows";
const ROWS_AT_ONCE = 10_000;

/**
 * Hands on the rows that a query over a source table finds, as the table holds them at one moment, some thousand at a time.
 *
 * Throws EnvironmentError when Postgres cannot be reached or has no such table or column.
 */
export async function readRows<Row extends unknown[]>(
  url: string,
  query: string,
  onRows: (rows: Row[]) => void | Promise<void>,
): Promise<void> {
  await withPostgres(url, async (client) => {
    const call = async (text: string) => {
      try {
        return (await client.query<Row>({ text, rowMode: "array" })).rows;
      } catch (cause) {
        throw new EnvironmentError(`Postgres cannot read the source table: ${(cause as Error).message}`, {
          hint:
            (cause as pg.DatabaseError).code === "42501"
              ? "Grant the user of the connection SELECT on the table, and USAGE on its schema."
              : "Do table and columns of the definition match the database?",
          cause,
        });
      }
    };
    // A transaction sees one state of the table, and a cursor keeps its rows out of our memory.
    await call("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
    await call(`DECLARE ${CURSOR} NO SCROLL CURSOR FOR ${query}`);
    for (;;) {
      const rows = await call(`FETCH ${ROWS_AT_ONCE} FROM ${CURSOR}`);
      if (rows.length === 0) return;
      await onRows(rows);
    }
  });
}

function clientOf(url: string): pg.Client {
  try {
    return new pg.Client({
      connectionString: strict(url),
      connectionTimeoutMillis: 5_000,
      ...ownServer(url),
    });
  } catch (cause) {
    const { path, message } = cause as NodeJS.ErrnoException;
    if (path !== undefined)
      throw new EnvironmentError(`the URL of Postgres names a file that cannot be read: ${message}`, {
        hint: "`sslrootcert`, `sslcert` and `sslkey` in it are files of this machine, in PEM.",
        cause,
      });
    // The cause would show the URL.
    throw new UsageError("the address of Postgres is no URL", {
      hint: "It is `postgres://user:password@host:port/database`; `@`, `:`, `/`, `#` and `%` in user and password are percent-encoded.",
    });
  }
}

/** These modes check the server as `verify-full` does, but pg 8 warns of a change to come on the user's screen. */
function strict(url: string): string {
  if (/[?&]uselibpqcompat=true(&|$)/.test(url)) return url;
  return url.replace(/([?&]sslmode=)(prefer|require|verify-ca)(?=&|$)/, "$1verify-full");
}

const HINTS: [code: RegExp, hint: string][] = [
  [/^28P01$/, "Check user and password of the URL; `@`, `:`, `/`, `#` and `%` in them are percent-encoded."],
  [
    /^28000$/,
    "The server lets in nobody like that: it may want TLS (`?sslmode=verify-full`), a client certificate or another user.",
  ],
  [/^3D000$/, "The end of the URL names the database."],
  [/^(53300|57P03)$/, "Try again in a moment."],
];

function troubleOf(error: Error, host: string): Trouble {
  const trust = tlsTrouble(error, "`?sslmode=verify-full&sslrootcert=FILE`");
  if (trust !== undefined) return trust;
  const { message } = error;
  const [, hint] = HINTS.find(([code]) => code.test((error as pg.DatabaseError).code ?? "")) ?? [];
  if (hint !== undefined) return { why: message, hint };
  if (message.includes("does not support SSL"))
    return {
      why: message,
      hint: "Take `sslmode` out of the URL if the way to the server is safe without TLS.",
    };
  if (message.includes("client password must be a string"))
    return { why: "it wants a password", hint: "Give it in the URL, or in PGPASSWORD." };
  return { why: message, hint: reachHint(host, message) };
}

/** What updates and deletes of a table tell of the row before; undefined when there is no such table. */
export function replicaIdentity(
  url: string,
  { schema, table }: { schema: string; table: string },
): Promise<"full" | "default" | "nothing" | "index" | undefined> {
  return withPostgres(url, async (client) => {
    const found = await client.query(
      "SELECT relreplident FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE nspname = $1 AND relname = $2",
      [schema, table],
    );
    const letter = found.rows[0]?.relreplident as "f" | "d" | "n" | "i" | undefined;
    return letter && ({ f: "full", d: "default", n: "nothing", i: "index" } as const)[letter];
  });
}
