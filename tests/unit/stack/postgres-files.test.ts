import { mkdir, readlink, symlink, writeFile } from "node:fs/promises";
import path from "node:path";
import { expect, it } from "vitest";
import { copyPrograms } from "../../../src/stack/setup/postgres-files.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";

it("a copy of Postgres' programs does without the package it came from", async () => {
  const folder = temporaryFolder();
  const lib = path.join(folder, "package/native/lib");
  await mkdir(lib, { recursive: true });
  await writeFile(path.join(lib, "libpq.so.5.18"), "");
  // Made by the package's install script, where npm ran it.
  await symlink("libpq.so.5.18", path.join(lib, "libpq.so"));
  const links = ["libpq.so", "libpq.so.5"].map((name) => ({
    source: "native/lib/libpq.so.5.18",
    target: `native/lib/${name}`,
  }));
  await writeFile(path.join(folder, "package/native/pg-symlinks.json"), JSON.stringify(links));

  await copyPrograms(path.join(folder, "package"), path.join(folder, "copy"));

  for (const name of ["libpq.so", "libpq.so.5"])
    expect(await readlink(path.join(folder, "copy/native/lib", name))).toBe("libpq.so.5.18");
});
