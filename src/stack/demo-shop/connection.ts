import pg from "pg";
import { EnvironmentError, UsageError } from "../../errors.ts";
import { ownServer } from "../../platform/postgres.ts";

/** A Postgres URL such as `postgresql://user:password@127.0.0.1:5432/shop`, or a connected client. */
export type Database = string | pg.ClientBase;

/**
 * Runs `use` with a client in UTC. A URL is connected to and closed again; a given client is left open.
 * Throws EnvironmentError when Postgres cannot be reached, breaks off, or refuses something that `use` did not
 * explain itself.
 */
export async function withClient<T>(
  database: Database,
  use: (client: pg.ClientBase) => Promise<T>,
): Promise<T> {
  if (typeof database !== "string") return use(database);
  const client = newClient(database);
  let lost: Error | undefined;
  // A lost connection is an event as well; without a listener it would end the process.
  client.on("error", (error) => {
    lost = error;
  });
  await connect(client);
  try {
    return await use(client);
  } catch (cause) {
    if (!(cause instanceof pg.DatabaseError) && !lost) throw cause;
    throw new EnvironmentError(`Postgres at ${place(client)} failed: ${reason(lost ?? cause)}`, {
      hint: "See `cdc-features status` and `cdc-features logs postgres`.",
      cause,
    });
  } finally {
    await client.end();
  }
}

const LOCK_NOT_AVAILABLE = "55P03";

/** Says what to do about a lock that `work` has waited for in vain. */
export async function explainingLocks<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    if (!(cause instanceof pg.DatabaseError) || cause.code !== LOCK_NOT_AVAILABLE) throw cause;
    throw new EnvironmentError("another transaction holds on to the tables of the demo shop", {
      hint: "End it (COMMIT or ROLLBACK in an open psql), or wait until it ends, then run the same command again.",
      cause,
    });
  }
}

function newClient(url: string): pg.Client {
  try {
    return new pg.Client({
      connectionString: url,
      application_name: "cdc-features demo shop",
      options: "-c TimeZone=UTC",
      ...ownServer(url),
    });
  } catch (cause) {
    throw new UsageError(`not a Postgres URL: ${reason(cause)}`, {
      hint: "It looks like postgresql://user:password@host:5432/database.",
      cause,
    });
  }
}

async function connect(client: pg.Client): Promise<void> {
  try {
    await client.connect();
  } catch (cause) {
    throw new EnvironmentError(`cannot connect to Postgres at ${place(client)}: ${reason(cause)}`, {
      hint: "Start the stack with `cdc-features up`, or check the address and the password.",
      cause,
    });
  }
}

/** Host, port and database; never the password. */
function place(client: pg.Client): string {
  return `${client.host}:${client.port}/${client.database ?? ""}`;
}

/** Node reports a host with several addresses as an AggregateError with an empty message. */
function reason(cause: unknown): string {
  if (cause instanceof AggregateError) return cause.errors.map(reason).join("; ");
  return cause instanceof Error ? cause.message : String(cause);
}
