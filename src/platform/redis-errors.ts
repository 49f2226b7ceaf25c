/** What Redis and ioredis say, as errors that a user can act on. None has a password in it: ioredis puts the command into its errors. */
import { EnvironmentError } from "../errors.ts";
import type { RedisConnection } from "./connections.ts";
import { reachHint, tlsTrouble } from "./tls.ts";

export const CLUSTER_DOWN =
  "Some of its slots have no node that serves them: `redis-cli --cluster check HOST:PORT` names them.";

/** Patterns of replies, and the way out. */
const HINTS: [reply: RegExp, hint: string][] = [
  [
    /^(WRONGPASS|ERR invalid (username-)?password|ERR AUTH)/i,
    "Check user and password of the connection's URL; `@`, `:`, `/`, `#` and `%` in them are percent-encoded there.",
  ],
  [
    /^NOAUTH/,
    "It wants a password: `redis://user:password@host:port/0`, or `redis://:password@…` without a user.",
  ],
  [
    /NOPERM|^ERR ACL failure/,
    "The user needs ~*:features* +eval +hgetall +pttl +scan +unlink +ping +evalsha +script|load +hget +hset +hdel +del, " +
      "on every node of a cluster also +cluster|slots +cluster|nodes +cluster|info +asking +command, for a database " +
      "other than 0 also +select.",
  ],
  [/cluster support disabled/, "It is a single server: remove `cluster: true` from the connection."],
  [/^(MOVED|CROSSSLOT)/, "It is a node of a Redis Cluster: set `cluster: true` for the connection."],
  [/CLUSTERDOWN/, CLUSTER_DOWN],
  [
    /DB index is out of range/,
    "The number at the end of the connection's URL is the database; most servers have 0 to 15.",
  ],
  [/^LOADING/, "It still loads its data: try again in a moment."],
];

/** What ioredis rejects with when a connection is gone, or none came about. */
const CLOSED =
  /^Connection is closed\.|^Command aborted due to connection close|^None of startup nodes|^Reached the max retries|^Failed to refresh slots|^connect ETIMEDOUT/;

/** What a connection failed with, when that was told apart from the command that it failed; of a cluster, which node's. */
export interface Noted {
  error: Error;
  /** `host:port` */
  node?: string;
}

/** Undefined for an error that is none of Redis. */
export function redisError(
  { url, cluster }: RedisConnection,
  error: unknown,
  noted: Noted | undefined,
): EnvironmentError | undefined {
  if (!(error instanceof Error)) return undefined;
  const isClosed = CLOSED.test(error.message) || isOfSocket(error);
  if (!isClosed && !isReply(error)) return undefined;
  const cause = isClosed ? (noted?.error ?? error) : error;
  const { hostname } = new URL(url);
  const place = (isClosed ? noted?.node : undefined) ?? placeOf(url);
  const name = `${cluster === true ? "the Redis Cluster" : "Redis"} at ${place}`;
  const said = cause.message
    .replace(/^Too many Cluster redirections\. Last error: (ReplyError: )?/, "")
    .replace(/^NOAUTH HELLO.*/, "NOAUTH Authentication required.");
  if (isReply(cause)) {
    const [, hint] = HINTS.find(([reply]) => reply.test(said)) ?? [];
    return new EnvironmentError(`${name} refuses${userOf(url)}: ${said}`, hint === undefined ? {} : { hint });
  }
  const trouble = tlsTrouble(cause) ?? { why: said, hint: reachHint(hostname, said) };
  return new EnvironmentError(`cannot connect to ${name}: ${trouble.why}`, { hint: trouble.hint, cause });
}

/** `host:port`. */
export function placeOf(url: string): string {
  const { hostname, port } = new URL(url);
  return `${hostname}:${port || 6379}`;
}

function userOf(url: string): string {
  const { username } = new URL(url);
  return username === "" ? "" : ` the user ${decodeURIComponent(username)}`;
}

function isReply(error: Error): boolean {
  return error.name === "ReplyError" || error.message.startsWith("Too many Cluster redirections");
}

function isOfSocket(error: Error): boolean {
  const { syscall } = error as NodeJS.ErrnoException;
  return ["connect", "read", "write", "getaddrinfo"].includes(syscall ?? "") && !("path" in error);
}
