/** What a machine must have before anything is downloaded: Python with venv, and a Java if there is one. */
import { existsSync, readdirSync } from "node:fs";
import path from "node:path";
import { EnvironmentError } from "../../../errors.ts";
import { runCommand } from "../../../platform/processes.ts";
import type { Check } from "../../stack.ts";

export const PYTHON = { min: [3, 10] as const };
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
  const python = await findPython(env);
  return { python: python?.command as string, javaHome: (await findJava(env))?.home };
}

export async function checkPrerequisites(env: NodeJS.ProcessEnv): Promise<Check[]> {
  const [platform, python, java] = await Promise.all([checkPlatform(), checkPython(env), checkJava(env)]);
  return [platform, python, java];
}

function checkPlatform(): Check {
  const found = `${process.platform}-${process.arch}`;
  const ok = ["linux-x64", "linux-arm64", "darwin-x64", "darwin-arm64"].includes(found);
  return {
    name: "platform",
    ok,
    found,
    hint: ok
      ? undefined
      : "The embedded servers come for Linux and macOS, on x64 and arm64. On Windows use WSL 2.",
  };
}

async function checkPython(env: NodeJS.ProcessEnv): Promise<Check> {
  const wanted = `Python ${PYTHON.min.join(".")} or later`;
  const python = await findPython(env);
  const hint = `Install ${wanted} with venv (Debian, Ubuntu: apt install python3-venv; macOS: brew install python) or set CDC_FEATURES_PYTHON.`;
  if (python === undefined) return { name: "python", ok: false, found: `no ${wanted} on PATH`, hint };
  if (!python.ok)
    return {
      name: "python",
      ok: false,
      found: `${python.command} is ${python.version}, needed: ${wanted}`,
      hint,
    };
  if (!python.venv) return { name: "python", ok: false, found: `${python.command} has no venv module`, hint };
  return { name: "python", ok: true, found: `${python.version} (${python.command})`, hint: undefined };
}

interface Python {
  command: string;
  version: string;
  ok: boolean;
  venv: boolean;
}

/** The first fitting Python; else the first of any kind, so that its version can be named. */
async function findPython(env: NodeJS.ProcessEnv): Promise<Python | undefined> {
  const named = env.CDC_FEATURES_PYTHON;
  const commands = named
    ? [named]
    : ["python3", "python3.13", "python3.12", "python3.11", "python3.10", "python"];
  let first: Python | undefined;
  for (const command of commands) {
    const probe =
      "import sys,importlib.util as u;print('%d.%d.%d'%sys.version_info[:3],bool(u.find_spec('venv') and u.find_spec('ensurepip')))";
    const result = await runCommand(command, ["-c", probe], { env, timeoutMs: 20_000 });
    const [version, venv] = result.stdout.trim().split(" ");
    if (!result.ok || version === undefined) continue;
    const [major = 0, minor = 0] = version.split(".").map(Number);
    const python = {
      command,
      version,
      ok: major === PYTHON.min[0] && minor >= PYTHON.min[1],
      venv: venv === "True",
    };
    if (python.ok && python.venv) return python;
    first ??= python;
  }
  return first;
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
    const result = await runCommand(executable, ["-XshowSettings:properties", "-version"], {
      env,
      timeoutMs: 20_000,
    });
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
