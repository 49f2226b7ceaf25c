/** A connection to Postgres for one piece of work. */
import pg from "pg";
import { EnvironmentError } from "../errors.ts";

/** Runs `work` on a connection of its own. Throws EnvironmentError when Postgres cannot be reached. */
export async function withPostgres<T>(url: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 5_000 });
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
