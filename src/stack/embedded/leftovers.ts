/**
 * What is left of a project whose state is gone, as after `git clean`: servers that nobody knows any more, and as
 * root the database, which stands elsewhere.
 */
import { existsSync } from "node:fs";
import { realpath } from "node:fs/promises";
import path from "node:path";
import { EnvironmentError } from "../../errors.ts";
import { type ProcessRef, processesIn, stopServer } from "../../platform/processes.ts";
import { type Home, inState } from "../home.ts";
import { removeEmpty, removeWhole } from "../state-folder.ts";
import { isRoot, ROOTS_DATA, rootsFolders } from "./servers/postgres.ts";

/**
 * Before a state is made. Servers of the lost one would meet the new ones, a Kafka Connect in one group with
 * another: throws EnvironmentError while they run. A database without its password is of no use to anybody.
 */
export async function clearLeftovers(home: Home): Promise<void> {
  const servers = await leftServers(home);
  if (servers.length > 0) {
    const pids = servers.map(({ pid }) => pid).join(", ");
    throw lost(home, `servers of this project still run (pid ${pids})`);
  }
  const data = inState.servers(home);
  if (existsSync(data)) throw lost(home, `${data} holds servers' data`);
  for (const folder of await rootsFolders(home)) await removeWhole(folder);
}

/** For a purge. Whatever is known has been stopped. */
export async function removeLeftovers(home: Home): Promise<void> {
  // Nothing of theirs is kept, so they need not end in order, nor take their time.
  await Promise.all((await leftServers(home)).map((server) => stopServer(server, 3_000, "SIGINT")));
  for (const folder of await rootsFolders(home)) await removeWhole(folder);
  if (isRoot()) await removeEmpty(ROOTS_DATA);
}

/** As they are started, each by its program or its main class: a shell that looks around there is none of ours. */
const SERVER_COMMAND = /(^|\/)(postgres -D|(redis|valkey)-server|java .*(kafka\.Kafka|ConnectDistributed)) /;

/** The state folder exists: its lock is held. */
async function leftServers(home: Home): Promise<ProcessRef[]> {
  const state = await realpath(home.state);
  const servers = path.join(state, path.relative(home.state, inState.servers(home)));
  return processesIn([servers, ...(await rootsFolders(home))], SERVER_COMMAND);
}

function lost(home: Home, what: string): EnvironmentError {
  return new EnvironmentError(
    `${what}, though ${inState.stack(home)}, which knew their ports and password, is gone`,
    {
      hint: "Stop and remove what is left with `cdc-features down --purge`, then run the same command again.",
    },
  );
}
