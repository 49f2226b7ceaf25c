/** A real Postgres with TLS and a password. */
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { chmodSync, chownSync, copyFileSync, mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { isFree } from "../../src/platform/ports.ts";

import { withPostgres } from "../../src/platform/postgres.ts";
import { succeeds, waitFor } from "../../src/platform/waits.ts";
import { postgresFiles } from "../../src/stack/setup/postgres-files.ts";

import type { Certificate } from "./certificates.ts";

export interface TestPostgres {
  /** `127.0.0.1:port` */
  address: string;
  stop(): Promise<void>;
}

/** For the user `reader`, over TLS alone. `folder` keeps everything of it. */
export async function startTlsPostgres(
  folder: string,
  password: string,
  certificate: Certificate,
): Promise<TestPostgres> {
  const programs = await postgresFiles(path.join(folder, "programs"));
  const data = path.join(folder, "data");
  // It refuses to run as root.
  const owner = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : undefined;
  const [passwordFile, key] = [path.join(folder, "password"), path.join(folder, "postgres.key")];
  mkdirSync(data, { mode: 0o700 });
  writeFileSync(passwordFile, password);
  copyFileSync(certificate.keyFile, key);
  chmodSync(key, 0o600);
  chmodSync(folder, 0o755);
  for (const file of [data, passwordFile, key]) if (owner) chownSync(file, owner.uid, owner.gid);
  const made = spawnSync(
    path.join(programs, "initdb"),
    [
      "-D",
      data,
      "-U",
      "reader",
      `--pwfile=${passwordFile}`,
      "--auth=scram-sha-256",
      "--locale=C",
      "-E",
      "UTF8",
    ],
    { cwd: "/", ...owner },
  );
  if (made.status !== 0) throw new Error(`initdb failed: ${made.stderr}`);
  writeFileSync(path.join(data, "pg_hba.conf"), "hostssl all all 127.0.0.1/32 scram-sha-256\n");
  const port = await freePort();
  const tls = ["-c", "ssl=on", "-c", `ssl_cert_file=${certificate.file}`, "-c", `ssl_key_file=${key}`];
  const place = ["-D", data, "-p", String(port), "-h", "127.0.0.1", "-c", "unix_socket_directories="];
  const server = spawn(path.join(programs, "postgres"), [...place, ...tls, "-c", "timezone=Asia/Tokyo"], {
    cwd: "/",
    stdio: "ignore",
    ...owner,
  });
  const url = `postgres://reader:${encodeURIComponent(password)}@127.0.0.1:${port}/postgres?sslmode=no-verify`;
  await waitFor(
    { what: "Postgres", timeoutMs: 30_000 },
    async () => (await succeeds(() => withPostgres(url, async () => {}))) || undefined,
  );
  return {
    address: `127.0.0.1:${port}`,
    stop: async () => {
      const ended = once(server, "exit");
      server.kill("SIGQUIT");
      await ended;
    },
  };
}

async function freePort(): Promise<number> {
  for (;;) {
    const port = 20_000 + Math.floor(Math.random() * 12_000);
    if (await isFree(port)) return port;
  }
}
