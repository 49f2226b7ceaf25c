/**
 * What a machine must have before anything is downloaded. Plain JavaScript without packages, since the launcher
 * asks before `npm ci`, when there is nothing else.
 */
import { spawnSync } from "node:child_process";

const NODE = { min: [20, 19] };
// The lock has no wheels for other versions.
const PYTHON = { min: [3, 10], max: [3, 14] };
const PLATFORMS = ["linux-x64", "linux-arm64", "darwin-x64", "darwin-arm64"];

export function checkNode(version = process.versions.node) {
  return {
    name: "node",
    ...fits(
      version,
      isBetween(version, NODE.min),
      `Node ${NODE.min.join(".")} or later is needed: get it from your package manager or with a version manager such as nvm or fnm.`,
    ),
  };
}

export function checkPlatform(platform = `${process.platform}-${process.arch}`) {
  return {
    name: "platform",
    ...fits(
      platform,
      PLATFORMS.includes(platform),
      "The embedded servers come for Linux and macOS, on x64 and arm64. On Windows use WSL 2.",
    ),
  };
}

export function checkPython(env = process.env) {
  const wanted = `Python ${PYTHON.min.join(".")} to ${PYTHON.max.join(".")}`;
  const hint = `Install ${wanted} with venv (Debian, Ubuntu: apt install python3-venv; macOS: brew install python@3.13) or set CDC_FEATURES_PYTHON.`;
  const python = findPython(env);
  const [ok, found] =
    python === undefined
      ? [false, env.CDC_FEATURES_PYTHON ? `${env.CDC_FEATURES_PYTHON} does not run` : `no ${wanted} on PATH`]
      : !python.ok
        ? [false, `${python.command} is ${python.version}, needed: ${wanted}`]
        : !python.venv
          ? [false, `${python.command} has no venv module`]
          : [true, `${python.version} (${python.command})`];
  return { name: "python", ...fits(found, ok, hint) };
}

/** The first fitting Python; else the first of any kind, so that its version can be named. */
export function findPython(env = process.env) {
  const versions = [];
  for (let minor = PYTHON.max[1]; minor >= PYTHON.min[1]; minor--) versions.push(`python3.${minor}`);
  const commands = env.CDC_FEATURES_PYTHON ? [env.CDC_FEATURES_PYTHON] : ["python3", ...versions, "python"];
  let first;
  for (const command of commands) {
    const python = probe(command, env);
    if (python?.ok && python.venv) return python;
    first = first ?? python;
  }
  return first;
}

function probe(command, env) {
  const script =
    "import sys,importlib.util as u;print('%d.%d.%d'%sys.version_info[:3],bool(u.find_spec('venv') and u.find_spec('ensurepip')))";
  const result = spawnSync(command, ["-c", script], { env, timeout: 20_000, encoding: "utf8" });
  if (result.status !== 0) return undefined;
  const [version, venv] = result.stdout.trim().split(" ");
  return { command, version, ok: isBetween(version, PYTHON.min, PYTHON.max), venv: venv === "True" };
}

/** By major and minor version, both ends included. */
function isBetween(version, min, max = [Infinity, Infinity]) {
  const [major, minor] = version.split(".").map(Number);
  const isLess = (a, b) => a[0] < b[0] || (a[0] === b[0] && a[1] < b[1]);
  return !isLess([major, minor], min) && !isLess(max, [major, minor]);
}

function fits(found, ok, hint) {
  return { ok, found, hint: ok ? undefined : hint };
}
