/** Postgres with logical decoding. It refuses to run as root, so root starts it as another user. */
import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { chmod, chown, mkdir, readdir, rename, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { EnvironmentError, JobError } from "../../../errors.ts";
import { runCommand, type ServerProcess, startServer } from "../../../platform/processes.ts";
import { type Home, inState } from "../../home.ts";
import { postgresFiles } from "../../setup/postgres-files.ts";
import { removeWhole } from "../../state-folder.ts";
import type { StackState } from "../state.ts";

export const POSTGRES_USER = "shop";
export const POSTGRES_DATABASE = "shop";

export const ROOTS_DATA = "/var/lib/cdc-features";
const ROOTS_CACHE = "/var/cache/cdc-features";

interface PostgresPlace {
  /** Parent of the data folder */
  folder: string;
  /** Where the programs are kept. */
  cache: string;
  /** Who runs it, where that is not the caller. */
  user: { uid: number; gid: number } | undefined;
}

export function isRoot(): boolean {
  return process.getuid?.() === 0;
}

/**
 * Root's home, and so a project or a cache in it, is often closed to others: what Postgres reads and writes
 * stands in the system's own places then. The state's id is part of the name: a project that is cloned again to
 * the same place has another password and gets data of its own.
 */
async function postgresPlace(home: Home, { id }: StackState): Promise<PostgresPlace> {
  if (!isRoot()) return { folder: inState.server(home, "postgres"), cache: home.cache, user: undefined };
  const name = id === undefined ? home.projectId : `${home.projectId}-${id}`;
  return { folder: path.join(ROOTS_DATA, name), cache: ROOTS_CACHE, user: await unprivilegedUser() };
}

/** Everything of this project outside its state folder, also what an earlier state of it has left. */
export async function rootsFolders(home: Home): Promise<string[]> {
  const names = isRoot() && existsSync(ROOTS_DATA) ? await readdir(ROOTS_DATA) : [];
  return names
    .filter((name) => name === home.projectId || name.startsWith(`${home.projectId}-`))
    .map((name) => path.join(ROOTS_DATA, name));
}

async function unprivilegedUser(): Promise<{ uid: number; gid: number }> {
  for (const name of ["postgres", "nobody"]) {
    const [uid, gid] = await Promise.all([runCommand("id", ["-u", name]), runCommand("id", ["-g", name])]);
    if (uid.ok && gid.ok) return { uid: Number(uid.stdout), gid: Number(gid.stdout) };
  }
  throw new EnvironmentError("Postgres does not run as root, and there is no user `postgres` or `nobody`", {
    hint: "Run cdc-features as an ordinary user, or add one: useradd --system postgres",
  });
}

export async function startPostgres(home: Home, state: StackState): Promise<ServerProcess> {
  const { folder, cache, user } = await postgresPlace(home, state);
  const programs = await postgresFiles(cache);
  const data = path.join(folder, "data");
  await mkdir(folder, { recursive: true });
  if (user !== undefined) {
    await chown(folder, user.uid, user.gid);
    // A strict umask would close them to the user that Postgres runs as.
    for (const open of [path.dirname(folder), cache]) await chmod(open, 0o755);
  }
  if (!existsSync(data)) await initialise(programs, data, state.password, user);
  return startServer(
    path.join(programs, "postgres"),
    [
      ...["-D", data, "-p", String(state.ports.postgres), "-h", "127.0.0.1"],
      ...Object.entries(SETTINGS).flatMap(([name, value]) => ["-c", `${name}=${value}`]),
    ],
    { log: inState.log(home, "postgres"), cwd: folder, env: plainEnvironment(), ...user },
  );
}

/** PGDATESTYLE and the like are for the user's own databases. */
function plainEnvironment(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith("PG")));
}

const SETTINGS = {
  wal_level: "logical",
  max_wal_senders: "8",
  max_replication_slots: "8",
  unix_socket_directories: "",
  timezone: "UTC",
  log_timezone: "UTC",
};

/**
 * Into a folder of this attempt, renamed when whole: an interrupted start begins anew, and its initdb, which may
 * go on for a moment, works on something else.
 */
async function initialise(
  programs: string,
  data: string,
  password: string,
  user: { uid: number; gid: number } | undefined,
): Promise<void> {
  const folder = path.dirname(data);
  for (const name of await readdir(folder)) {
    if (name.startsWith("data.")) await removeWhole(path.join(folder, name));
  }
  const unfinished = `${data}.${randomBytes(4).toString("hex")}`;
  const passwordFile = `${unfinished}.password`;
  await writeFile(passwordFile, password, { mode: 0o600 });
  if (user !== undefined) await chown(passwordFile, user.uid, user.gid);
  try {
    const result = await runCommand(
      path.join(programs, "initdb"),
      [
        ...["-D", unfinished, "-U", POSTGRES_USER, `--pwfile=${passwordFile}`, "--auth=scram-sha-256"],
        ...["--encoding=UTF8", "--locale=C", "--no-instructions"],
      ],
      { cwd: folder, env: plainEnvironment(), ...user },
    );
    if (!result.ok) throw new JobError(`initdb failed:\n${result.stderr}`);
    await rename(unfinished, data);
  } finally {
    await rm(passwordFile, { force: true });
  }
}
