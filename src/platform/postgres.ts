/** A connection to Postgres for one piece of work. */
import pg from "pg";
import { EnvironmentError } from "../errors.ts";

/** The server on this machine takes no TLS, whatever PGSSLMODE and the like ask of others. */
export function ownServer(url: string): pg.ClientConfig {
  if (!URL.canParse(url) || new URL(url).hostname !== "127.0.0.1") return {};
  return { ssl: false, sslnegotiation: "postgres", client_encoding: "UTF8" };
}

/** Runs `work` on a connection of its own. Throws EnvironmentError when Postgres cannot be reached. */
export async function withPostgres<T>(url: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({
    connectionString: url,
    connectionTimeoutMillis: 5_000,
    options: "-c TimeZone=UTC",
    ...ownServer(url),
  });
  client.on("error", () => {});
  try {
    await client.connect();
  } catch (cause) {
    const { host, pathname } = new URL(url);
    throw new EnvironmentError(
      `cannot connect to Postgres at ${host}${pathname}: ${(cause as Error).message}`,
      {
        hint: "Start the stack with `cdc-features up`.",
        cause,
      },
    );
  }
  try {
    return await work(client);
  } finally {
    await client.end();
  }
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
