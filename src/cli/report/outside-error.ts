/** What the operating system refused, as an error that a user can act on. */
import { getSystemErrorMap } from "node:util";
import { EnvironmentError } from "../../errors.ts";

interface SystemError extends Error {
  errno?: number;
  code?: string;
  syscall: string;
  path?: string;
  dest?: string;
  address?: string;
  hostname?: string;
  port?: number;
}

const FILE_HINTS: Record<string, string> = {
  EACCES: "Give yourself the right to it, or move the state elsewhere with CDC_FEATURES_HOME.",
  EPERM: "Give yourself the right to it, or move the state elsewhere with CDC_FEATURES_HOME.",
  EROFS: "Move the state to a folder that can be written, with CDC_FEATURES_HOME.",
  ENOSPC: "Make room on that disk, or move the state to another one with CDC_FEATURES_HOME.",
  EDQUOT: "Make room in your quota, or move the state elsewhere with CDC_FEATURES_HOME.",
  ENOTDIR:
    "A file stands where a folder is needed. Move it away, or choose another place with CDC_FEATURES_HOME.",
  EEXIST: "Something else stands there. Move it away, or choose another place with CDC_FEATURES_HOME.",
  EISDIR: "A folder stands where a file is needed. Move it away.",
  EMFILE: "Raise the limit of open files: `ulimit -n 4096`.",
};

/** In hints; not true of servers of the user's own. */
export const UP_STARTS_SERVERS = ", `cdc-features up` starts those that are missing";

const CONNECTION_HINT = `\`cdc-features status\` shows the servers${UP_STARTS_SERVERS}.`;

/** Undefined for an error that does not come from the operating system. */
export function outsideError(error: unknown): EnvironmentError | undefined {
  const cause = systemErrorIn(error);
  if (cause === undefined) {
    if (!(error instanceof TypeError && error.message === "fetch failed")) return undefined;
    const said = error.cause instanceof Error ? error.cause.message : "no answer";
    return new EnvironmentError(`a server did not answer: ${said}`, { hint: CONNECTION_HINT, cause: error });
  }
  const { syscall, path, dest, port } = cause;
  const host = cause.address ?? cause.hostname;
  if (path === undefined && host !== undefined) {
    const place = port === undefined ? host : `${host}:${port}`;
    return new EnvironmentError(`cannot connect to ${place}: ${reason(cause)}`, {
      hint: CONNECTION_HINT,
      cause: error,
    });
  }
  const place = path === undefined ? "" : ` ${path}${dest === undefined ? "" : ` to ${dest}`}`;
  const hint = FILE_HINTS[cause.code ?? ""];
  const call = syscall.startsWith("spawn") ? "start" : syscall;
  return new EnvironmentError(`cannot ${call}${place}: ${reason(cause)}`, {
    ...(hint !== undefined && { hint }),
    cause: error,
  });
}

/** The error itself, the first of several tries, or what stands behind `fetch failed`. */
function systemErrorIn(error: unknown): SystemError | undefined {
  if (error instanceof AggregateError) return systemErrorIn(error.errors[0]);
  if (!(error instanceof Error)) return undefined;
  if ("syscall" in error && typeof error.syscall === "string") return error as SystemError;
  return error instanceof TypeError ? systemErrorIn(error.cause) : undefined;
}

/** `permission denied (EACCES)`. */
function reason({ errno, code, message }: SystemError): string {
  const known = errno === undefined ? undefined : getSystemErrorMap().get(errno)?.[1];
  return known === undefined ? message : `${known} (${code})`;
}
