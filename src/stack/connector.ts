/** Debezium's connector: its settings, its registration, and when it has caught up with the database. */
import pg from "pg";
import { JobError } from "../errors.ts";
import { createTopics } from "../platform/kafka-admin.ts";
import { withPostgres } from "../platform/postgres.ts";
import { succeeds, waitFor } from "../platform/waits.ts";
import { createShop } from "./demo-shop/index.ts";
import { type OwnEndpoints, TOPIC_PREFIX } from "./stack.ts";

const CONNECTOR = "shop";
const SLOT = "cdc_features";
const PUBLICATION = "cdc_features";

/** Creates the database that the URL names, where it is missing. */
async function ensureDatabase(postgres: string): Promise<void> {
  const name = new URL(postgres).pathname.slice(1);
  await withPostgres(maintenanceUrl(postgres), async (client) => {
    const found = await client.query("SELECT 1 FROM pg_database WHERE datname = $1", [name]);
    if (found.rowCount === 0) await client.query(`CREATE DATABASE ${pg.escapeIdentifier(name)}`);
  });
}

/** The same server's database that is always there. */
function maintenanceUrl(postgres: string): string {
  const url = new URL(postgres);
  url.pathname = "/postgres";
  return url.href;
}

/** Every table of the schema, so that a table added later is captured too. Idempotent. */
async function createPublication(postgres: string): Promise<void> {
  await withPostgres(postgres, async (client) => {
    const found = await client.query("SELECT 1 FROM pg_publication WHERE pubname = $1", [PUBLICATION]);
    if (found.rowCount === 0)
      await client.query(`CREATE PUBLICATION ${PUBLICATION} FOR TABLES IN SCHEMA public`);
  });
}

/** The shop's database with its tables and the publication of them, where they are missing. */
export async function prepareShop(postgres: string): Promise<void> {
  await ensureDatabase(postgres);
  await createShop(postgres);
  await createPublication(postgres);
}

/** A topic for each table that has none: Spark would not start without, and Debezium makes one with the first row. */
export async function createTableTopics({ postgres, kafka }: OwnEndpoints): Promise<void> {
  await createTopics(kafka, topicsOf(await capturedTables(postgres)), 2);
}

/** Names of the tables in the schema `public`. */
async function capturedTables(postgres: string): Promise<string[]> {
  return withPostgres(postgres, async (client) => {
    const tables = await client.query(
      "SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1",
    );
    return tables.rows.map((row) => row.tablename as string);
  });
}

/**
 * The topics that Debezium writes the tables to: what Kafka takes in no name becomes an underscore. Kafka also
 * refuses a second name that differs from another in dots and underscores only.
 */
export function topicsOf(tables: string[]): string[] {
  const byMeaning = new Map<string, string>();
  for (const table of tables) {
    const topic = `${TOPIC_PREFIX}.public.${table}`.replace(/[^A-Za-z0-9._-]/g, "_");
    const meaning = topic.replaceAll(".", "_");
    if (!byMeaning.has(meaning)) byMeaning.set(meaning, topic);
  }
  return [...byMeaning.values()];
}

/** A stack's capture: its own addresses, and what Connect calls the database where that is something else. */
export interface Capture {
  connect: string;
  postgres: string;
  asConnectSeesIt?: { host: string; port: number; password: string };
}

function settings({ postgres, asConnectSeesIt: inside }: Capture): Record<string, string> {
  const url = new URL(postgres);
  return {
    "connector.class": "io.debezium.connector.postgresql.PostgresConnector",
    "tasks.max": "1",
    "database.hostname": inside?.host ?? url.hostname,
    "database.port": String(inside?.port ?? url.port),
    "database.user": decodeURIComponent(url.username),
    "database.password": inside?.password ?? decodeURIComponent(url.password),
    "database.dbname": url.pathname.slice(1),
    "topic.prefix": TOPIC_PREFIX,
    "plugin.name": "pgoutput",
    "slot.name": SLOT,
    "publication.name": PUBLICATION,
    "publication.autocreate.mode": "disabled",
    "schema.include.list": "public",
    // By default a TRUNCATE is left out, and features would keep what the table lost.
    "skipped.operations": "none",
    "poll.interval.ms": "10",
    "topic.creation.default.partitions": "2",
    "topic.creation.default.replication.factor": "1",
  };
}

/** Registers the connector and waits until it streams. Throws JobError with Debezium's own words if it fails. */
export async function startConnector(capture: Capture, timeoutMs: number): Promise<void> {
  const { connect, postgres } = capture;
  const failedBefore = (await connectorState(connect)).failure !== undefined;
  const put = async () => {
    const response = await fetch(`${connect}/connectors/${CONNECTOR}/config`, {
      method: "PUT",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(settings(capture)),
    });
    // 409 says that the worker is still joining its group.
    if (response.ok) return true;
    if (response.status === 409) return undefined;
    throw new JobError(`Kafka Connect refused the connector: ${(await response.text()).slice(0, 500)}`);
  };
  const restart = async () => {
    const response = await fetch(
      `${connect}/connectors/${CONNECTOR}/restart?includeTasks=true&onlyFailed=true`,
      { method: "POST" },
    );
    return response.ok ? true : undefined;
  };
  await waitFor({ what: "Kafka Connect to take the connector", timeoutMs }, put);
  // The same settings once more restart nothing.
  if (failedBefore) await waitFor({ what: "Kafka Connect to restart the connector", timeoutMs }, restart);
  await waitFor(
    { what: "Debezium to stream from Postgres", timeoutMs, hint: "See `cdc-features logs connect`." },
    async () => {
      const state = await connectorState(connect);
      if (state.failure !== undefined) throw new JobError(`the Debezium connector failed: ${state.failure}`);
      return state.running && (await slotIsActive(postgres)) ? true : undefined;
    },
  );
}

/** Whether the connector runs with just the settings it would be given now. */
export async function connectorIsUp(capture: Capture): Promise<boolean> {
  const { connect, postgres } = capture;
  const response = await fetch(`${connect}/connectors/${CONNECTOR}/config`);
  if (!response.ok) return false;
  const current = (await response.json()) as Record<string, string>;
  const same = Object.entries(settings(capture)).every(([name, value]) => current[name] === value);
  return same && (await connectorState(connect)).running && (await slotIsActive(postgres));
}

export interface ConnectorState {
  running: boolean;
  /** First line of the trace, when the connector or its task failed. */
  failure: string | undefined;
}

export async function connectorState(connect: string): Promise<ConnectorState> {
  const response = await fetch(`${connect}/connectors/${CONNECTOR}/status`);
  if (!response.ok) return { running: false, failure: undefined };
  const status = (await response.json()) as { connector: Part; tasks: Part[] };
  const parts = [status.connector, ...status.tasks];
  const failed = parts.find((part) => part.state === "FAILED");
  return {
    running: status.tasks.length > 0 && parts.every((part) => part.state === "RUNNING"),
    failure: failed === undefined ? undefined : rootCause(failed.trace ?? "no trace"),
  };
}

interface Part {
  state: string;
  trace?: string;
}

function rootCause(trace: string): string {
  const causes = trace.split("\n").filter((line) => line.startsWith("Caused by: "));
  return (causes.at(-1) ?? trace.split("\n")[0] ?? trace).replace("Caused by: ", "");
}

async function slotIsActive(postgres: string): Promise<boolean> {
  return withPostgres(postgres, async (client) => {
    const slot = await client.query("SELECT active FROM pg_replication_slots WHERE slot_name = $1", [SLOT]);
    return slot.rows[0]?.active === true;
  });
}

/**
 * Resolves once every transaction committed before the call is acknowledged by Kafka. The slot's confirmed
 * position says so, but moves only with events: small logical messages push it on.
 */
export async function connectorCaughtUp(
  { connect, postgres, slot = SLOT }: { connect: string | undefined; postgres: string; slot?: string },
  timeoutMs: number,
): Promise<void> {
  await withPostgres(postgres, async (client) => {
    const target = (await client.query("SELECT pg_current_wal_insert_lsn()::text AS lsn")).rows[0]
      .lsn as string;
    await waitFor(
      {
        what: `Debezium to pass on all changes up to ${target}`,
        timeoutMs,
        intervalMs: 100,
        hint: "See `cdc-features status` and `cdc-features logs connect`.",
      },
      async () => {
        const { rows } = await client.query(
          "SELECT confirmed_flush_lsn >= $1::pg_lsn AS passed FROM pg_replication_slots WHERE slot_name = $2",
          [target, slot],
        );
        if (rows.length === 0) throw new JobError(`the database has no replication slot named ${slot}`);
        if (rows[0]?.passed === true) return true;
        const failure = connect === undefined ? undefined : (await connectorState(connect)).failure;
        if (failure !== undefined) throw new JobError(`the Debezium connector failed: ${failure}`);
        await client.query("SELECT pg_logical_emit_message(true, 'cdc-features', 'caught up?')");
        return undefined;
      },
    );
  });
}

/** Whether the server takes connections; the database itself may be missing still. */
export async function postgresAnswers(postgres: string): Promise<boolean> {
  return succeeds(() => withPostgres(maintenanceUrl(postgres), (client) => client.query("SELECT 1")));
}
