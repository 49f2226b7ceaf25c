/** Where things live: state of a project under its working directory, downloads in the user's cache. */
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { sha256 } from "../platform/files.ts";

/** Root of the installed package. */
export const PACKAGE_ROOT = fileURLToPath(new URL("../../", import.meta.url));

/** The job's own Java. */
export const LIBRARY = path.join(PACKAGE_ROOT, "spark-jobs", "cdc_features", "records.jar");

export interface Home {
  /** `.cdc-features/` of the project */
  state: string;
  /** Downloads, shared by projects */
  cache: string;
  /** Short text that differs between projects */
  projectId: string;
}

/** `within` is a folder below the project's: another state, beside it. */
export function homeOf(cwd: string, env: NodeJS.ProcessEnv, within = ""): Home {
  const state = path.resolve(cwd, env.CDC_FEATURES_HOME || ".cdc-features", within);
  return { state, cache: cacheFolder(cwd, env), projectId: sha256(state).slice(0, 12) };
}

function cacheFolder(cwd: string, env: NodeJS.ProcessEnv): string {
  const own = env.CDC_FEATURES_CACHE;
  if (own) return path.resolve(cwd, own);
  const user = env.XDG_CACHE_HOME || path.join(env.HOME || os.homedir(), platformCache());
  return path.join(user, "cdc-features");
}

function platformCache(): string {
  return process.platform === "darwin" ? "Library/Caches" : ".cache";
}

export const inState = {
  stack: (home: Home) => path.join(home.state, "stack.json"),
  /** Which parts of the cache this project runs on. */
  installation: (home: Home) => path.join(home.state, "installation.json"),
  upLock: (home: Home) => path.join(home.state, "up.lock"),
  log: (home: Home, server: string) => path.join(home.state, "logs", `${server}.log`),
  servers: (home: Home) => path.join(home.state, "servers"),
  server: (home: Home, server: string) => path.join(home.state, "servers", server),
  /** Of Spark's jobs; what a killed one leaves goes with the project. */
  tmp: (home: Home) => path.join(home.state, "tmp"),
  offline: (home: Home) => path.join(home.state, "features"),
};
