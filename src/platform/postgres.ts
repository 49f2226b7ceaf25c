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
