/** Postgres with logical decoding. It refuses to run as root, so root starts it as another user. */
import { existsSync } from "node:fs";
import { chown, mkdir, rename, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { EnvironmentError, JobError } from "../../../errors.ts";
import { runCommand, type ServerProcess, startServer } from "../../../platform/processes.ts";
import { type Home, inState } from "../home.ts";
import { postgresFiles } from "../setup/postgres-files.ts";

export const POSTGRES_USER = "shop";
export const POSTGRES_DATABASE = "shop";

export interface PostgresPlace {
  /** Parent of the data folder; all of it is removed by `down --purge`. */
  folder: string;
  /** Where the programs are kept. */
  cache: string;
  /** Who runs it, where that is not the caller. */
  user: { uid: number; gid: number } | undefined;
}

/**
 * Root's home, and so a project or a cache in it, is often closed to others: what Postgres reads and writes
 * stands in the system's own places then.
 */
export async function postgresPlace(home: Home): Promise<PostgresPlace> {
  if (process.getuid?.() !== 0)
    return { folder: inState.server(home, "postgres"), cache: home.cache, user: undefined };
  return {
    folder: path.join("/var/lib/cdc-features", home.projectId),
    cache: "/var/cache/cdc-features",
    user: await unprivilegedUser(),
  };
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

export async function startPostgres(home: Home, port: number, password: string): Promise<ServerProcess> {
  const { folder, cache, user } = await postgresPlace(home);
  const programs = await postgresFiles(cache);
  const data = path.join(folder, "data");
  await mkdir(folder, { recursive: true });
  if (user !== undefined) await chown(folder, user.uid, user.gid);
  if (!existsSync(data)) await initialise(programs, data, password, user);
  return startServer(
    path.join(programs, "postgres"),
    [
      ...["-D", data, "-p", String(port), "-h", "127.0.0.1"],
      ...Object.entries(SETTINGS).flatMap(([name, value]) => ["-c", `${name}=${value}`]),
    ],
    { log: inState.log(home, "postgres"), cwd: folder, ...user },
  );
}

const SETTINGS = {
  wal_level: "logical",
  max_wal_senders: "8",
  max_replication_slots: "8",
  unix_socket_directories: "",
  timezone: "UTC",
  log_timezone: "UTC",
};

/** Into a folder beside, renamed when whole: an interrupted start begins anew. */
async function initialise(
  programs: string,
  data: string,
  password: string,
  user: { uid: number; gid: number } | undefined,
): Promise<void> {
  const unfinished = `${data}.new`;
  const passwordFile = `${data}.password`;
  await rm(unfinished, { recursive: true, force: true });
  await writeFile(passwordFile, password, { mode: 0o600 });
  if (user !== undefined) await chown(passwordFile, user.uid, user.gid);
  try {
    const result = await runCommand(
      path.join(programs, "initdb"),
      [
        ...["-D", unfinished, "-U", POSTGRES_USER, `--pwfile=${passwordFile}`, "--auth=scram-sha-256"],
        ...["--encoding=UTF8", "--locale=C", "--no-instructions"],
      ],
      { cwd: path.dirname(data), ...user },
    );
    if (!result.ok) throw new JobError(`initdb failed:\n${result.stderr}`);
    await rename(unfinished, data);
  } finally {
    await rm(passwordFile, { force: true });
  }
}
