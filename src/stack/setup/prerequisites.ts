/** What a machine must have before anything is downloaded: Python with venv, and a Java if there is one. */
import { existsSync, readdirSync } from "node:fs";
import path from "node:path";
import { EnvironmentError } from "../../errors.ts";
import { runCommand } from "../../platform/processes.ts";
import type { Check } from "../stack.ts";
import { checkPlatform, checkPython, findPython } from "./machine.mjs";

// Spark 4.1 runs on Java 17 and 21.
export const JAVA = { min: 17, max: 21 };

export interface Prerequisites {
  python: string;
  /** A fitting JAVA_HOME; undefined means that one from a PyPI wheel has to serve. */
  javaHome: string | undefined;
}

/** Throws EnvironmentError that names every missing thing at once. */
export async function requirePrerequisites(env: NodeJS.ProcessEnv): Promise<Prerequisites> {
  const checks = await checkPrerequisites(env);
  const missing = checks.filter((check) => !check.ok);
  if (missing.length > 0) {
    throw new EnvironmentError(missing.map((check) => `${check.name}: ${check.found}`).join("\n"), {
      hint: missing.map((check) => check.hint).join("\n"),
    });
  }
  return { python: findPython(env)?.command as string, javaHome: (await findJava(env))?.home };
}

export async function checkPrerequisites(env: NodeJS.ProcessEnv): Promise<Check[]> {
  return [checkPlatform(), checkPython(env), await checkJava(env)];
}

async function checkJava(env: NodeJS.ProcessEnv): Promise<Check> {
  const java = await findJava(env);
  const found =
    java === undefined
      ? "none that fits; one from a PyPI wheel will be used"
      : `${java.version} (${java.home})`;
  return { name: "java", ok: true, found, hint: undefined };
}

/** A Java of a fitting version: JAVA_HOME, the one on PATH, or another in the system's usual places. */
async function findJava(env: NodeJS.ProcessEnv): Promise<{ home: string; version: number } | undefined> {
  for (const executable of javaCandidates(env)) {
    const result = await runCommand(
      executable,
      ["-XX:-UsePerfData", "-XshowSettings:properties", "-version"],
      {
        env,
        timeoutMs: 20_000,
      },
    );
    const version = Number(/java\.specification\.version = (\d+)/.exec(result.stderr)?.[1]);
    const home = /java\.home = (.+)/.exec(result.stderr)?.[1]?.trim();
    if (result.ok && home !== undefined && version >= JAVA.min && version <= JAVA.max)
      return { home, version };
  }
  return undefined;
}

function javaCandidates(env: NodeJS.ProcessEnv): string[] {
  const inHome = (home: string) => path.join(home, "bin", "java");
  const system = ["/usr/lib/jvm", "/Library/Java/JavaVirtualMachines"].flatMap((folder) =>
    existsSync(folder)
      ? readdirSync(folder).flatMap((name) => [
          inHome(path.join(folder, name)),
          inHome(path.join(folder, name, "Contents/Home")),
        ])
      : [],
  );
  return [
    ...(env.JAVA_HOME ? [inHome(env.JAVA_HOME)] : []),
    "java",
    ...system.filter((file) => existsSync(file)),
  ];
}
