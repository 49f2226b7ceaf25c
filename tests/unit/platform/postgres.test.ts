import { mkdtempSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { inspect } from "node:util";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { CdcFeaturesError } from "../../../src/errors.ts";
import { withPostgres } from "../../../src/platform/postgres.ts";
import { type Authority, makeAuthority, makeCertificate } from "../../support/certificates.ts";
import { startTlsPostgres, type TestPostgres } from "../../support/postgres-server.ts";

const PASSWORD = "se:cr/et#%41";
const encoded = encodeURIComponent(PASSWORD);

const folder = mkdtempSync(path.join(os.tmpdir(), "cdc-features-postgres-"));
let authority: Authority;
let server: TestPostgres;

beforeAll(async () => {
  authority = makeAuthority(folder, "authority");
  const certificate = makeCertificate(folder, "server", authority, ["IP:127.0.0.1"]);
  server = await startTlsPostgres(folder, PASSWORD, certificate);
}, 60_000);

afterAll(async () => {
  await server?.stop();
  rmSync(folder, { recursive: true, force: true });
});

const url = (options: string, { user = `reader:${encoded}`, database = "postgres" } = {}) =>
  `postgres://${user}@${server.address}/${database}${options}`;
const trusted = () => `?sslmode=verify-full&sslrootcert=${authority.file}`;

async function refusal(url: string): Promise<CdcFeaturesError> {
  const error = await withPostgres(url, async () => {}).then(
    () => "no error",
    (error) => error,
  );
  expect(error).toBeInstanceOf(CdcFeaturesError);
  for (const secret of [PASSWORD, encoded]) expect(inspect(error, { depth: 6 })).not.toContain(secret);
  return error;
}

test.each(["verify-full", "require", "verify-ca"])(
  "a server with TLS by sslmode=%s, without a warning",
  async (mode) => {
    const warnings = vi.spyOn(process, "emitWarning");
    const options = `?sslmode=${mode}&sslrootcert=${authority.file}`;
    const zone = await withPostgres(
      url(options),
      async (client) => (await client.query("SHOW timezone")).rows,
    );
    expect(zone).toEqual([{ TimeZone: "UTC" }]);
    expect(warnings).not.toHaveBeenCalled();
  },
);

test("options of the URL stand beside ours", async () => {
  const options = `${trusted()}&options=-c%20work_mem%3D9MB`;
  const query = "SELECT current_setting('work_mem') AS memory, current_setting('timezone') AS zone";
  const rows = await withPostgres(url(options), async (client) => (await client.query(query)).rows);
  expect(rows).toEqual([{ memory: "9MB", zone: "UTC" }]);
});

test("an authority that is not known", async () => {
  const stranger = makeAuthority(folder, "stranger");
  for (const options of ["?sslmode=require", `?sslmode=verify-full&sslrootcert=${stranger.file}`]) {
    const { message, hint } = await refusal(url(options));
    expect(message).toContain(
      `cannot connect to Postgres at ${server.address}/postgres: no trusted connection`,
    );
    expect(hint).toContain("sslrootcert=FILE");
  }
});

test("a server that wants TLS", async () => {
  const { message, hint } = await refusal(url("?sslmode=disable"));
  expect(message).toContain("no encryption");
  expect(hint).toContain("sslmode=verify-full");
});

test("wrong users, passwords and databases", async () => {
  const wrong = await refusal(url(trusted(), { user: `reader:${encoded}x` }));
  expect(wrong.message).toContain('password authentication failed for user "reader"');
  expect(wrong.hint).toContain("percent-encoded");
  expect((await refusal(url(trusted(), { user: "reader" }))).message).toContain("it wants a password");
  expect((await refusal(url(trusted(), { database: "nowhere" }))).hint).toContain("names the database");
});

test("files that are not there, and addresses that are none", async () => {
  const missing = await refusal(url("?sslmode=verify-full&sslrootcert=/nowhere/ca.crt"));
  expect(missing.message).toContain("/nowhere/ca.crt");
  expect((await refusal(`postgres://reader:${PASSWORD}@127.0.0.1/x`)).message).toBe(
    "the address of Postgres is no URL",
  );
});
